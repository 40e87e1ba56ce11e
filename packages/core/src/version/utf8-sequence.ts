/**
 * Copies one UTF-8 sequence of two to four bytes that begins at `at` and returns its length; 0 where the bytes up to `end`
 * hold none: cut, overlong, a surrogate, or beyond U+10FFFF. Source: the table of well-formed sequences, Unicode 3-7.
 */
export function copyUtf8Sequence(from: Uint8Array, at: number, end: number, to: Uint8Array, position: number): number {
  const lead = from[at] as number;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > end) return 0;
  const second = from[at + 1] as number;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  to[position] = lead;
  to[position + 1] = second;
  for (let index = 2; index < length; index++) {
    const byte = from[at + index] as number;
    if (byte < 0x80 || byte > 0xbf) return 0;
    to[position + index] = byte;
  }
  return length;
}
