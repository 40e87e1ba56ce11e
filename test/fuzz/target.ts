import type { Random } from "../simulation/random.ts";

/** A decoder and the inputs that it is tried with. */
export interface Target {
  readonly name: string;
  /** Of a run of every target, this share is its own, against the others' weights. */
  readonly weight: number;
  /** The input of a draw: a valid encoding that was changed, or now and then one that was not. */
  input(random: Random): Uint8Array;
  /**
   * Gives the input to the decoder. Ends where that answers, or refuses with an error of Sluice; throws whatever else
   * it throws, and where an answer is not what it should be.
   */
  take(input: Uint8Array): Promise<void> | void;
  /** Bytes of buffers that taking an input of so many bytes may allocate. */
  bytesMax(inputBytes: number): number;
}

/** What a decoder is allowed to do with an input: refuse it. Anything else that it throws goes on. */
export function mayRefuse(error: unknown, isRefusal: (error: unknown) => boolean): void {
  if (!isRefusal(error)) throw error;
}

/** Where an input is cut into chunks: a function of the input, so that it can be taken again. */
export function chunksOf(input: Uint8Array): Uint8Array[] {
  let state = 0x811c9dc5;
  for (const byte of input.subarray(0, 64)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < input.length; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const length = (state >>> 8) % 4 === 0 ? 1 : 1 + ((state >>> 10) % 200);
    chunks.push(input.subarray(start, start + length));
    start += length;
  }
  return chunks;
}
