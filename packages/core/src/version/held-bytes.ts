/** The beginning of a text that runs over the end of a chunk. Keeps at most `bytesMax` bytes however long the text is. */
export interface HeldBytes {
  /** Copies the bytes: the chunk belongs to whoever pushed it. */
  append(bytes: Uint8Array): void;
  /**
   * What is held with `tail` after it, or undefined where that is more than the limit; nothing is held afterwards.
   * The bytes are good until the next call.
   */
  take(tail: Uint8Array): Uint8Array | undefined;
}

/** Holds nothing at first. */
export function createHeldBytes(bytesMax: number): HeldBytes {
  let buffer = new Uint8Array(0);
  let length = 0;
  const append = (bytes: Uint8Array): void => {
    const end = length + bytes.length;
    // Past the limit only the length is kept, as the sign that the text is too long.
    if (end <= bytesMax) {
      if (end > buffer.length) buffer = widened(buffer, length, Math.min(bytesMax, Math.max(end, 2 * buffer.length)));
      buffer.set(bytes, length);
    }
    length = end;
  };
  return {
    append,
    take(tail) {
      if (length === 0) return tail.length <= bytesMax ? tail : undefined;
      append(tail);
      const end = length;
      length = 0;
      return end <= bytesMax ? buffer.subarray(0, end) : undefined;
    },
  };
}

function widened(bytes: Uint8Array, length: number, capacity: number): Uint8Array<ArrayBuffer> {
  const wider = new Uint8Array(capacity);
  wider.set(bytes.subarray(0, length));
  return wider;
}
