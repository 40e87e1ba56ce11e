const encoder = new TextEncoder();
// `ignoreBOM: true` keeps a byte order mark in the text; the default would silently drop it from keys and values.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The length of a text in UTF-8 bytes. A lone surrogate counts 3, as the replacement character that it is encoded as. */
export function utf8Length(text: string): number {
  const length = text.length;
  let bytes = length;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) index++;
  }
  return bytes;
}

/** Whether a text is longer than a limit in UTF-8 bytes; short texts are not walked through. */
export function exceedsUtf8(text: string, bytesMax: number): boolean {
  return text.length > bytesMax || (text.length * 3 > bytesMax && utf8Length(text) > bytesMax);
}

/** The UTF-8 bytes of a text. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes a text as UTF-8 at a position and returns the number of bytes; the target must have room for all of it. */
export function writeUtf8(text: string, target: Uint8Array, position: number): number {
  return encoder.encodeInto(text, target.subarray(position)).written;
}

/** The text of UTF-8 bytes, or undefined where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
