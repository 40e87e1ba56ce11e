import type { Random } from "../simulation/random.ts";

/** Numbers at which counts, lengths and positions break. */
const edges = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Pieces of the text formats, so that a mutation of a text is often still one that a parser goes far into. */
const tokens = [
  ...'{}[]",:\\\n\r\t -+.0123456789eE'.split(""),
  "null",
  "true",
  '"key"',
  '"value"',
  '{"key":"a","value":1}\n',
  String.raw`\u0000`,
  String.raw`\ud800`,
  String.raw`\ud83d\ude00`,
  "1e400",
  "-0",
  "1e-400",
  "12345678901234567890",
  "0.1",
  "\u2028",
  "😀",
  "__proto__",
  '"__proto__":1,',
  "\ufeff",
  "\n\n",
  "event: state\n",
  "data: {}\n\n",
  "data:",
  ":\n",
].map((text) => Buffer.from(text));

/** One change of some bytes: flipped, overwritten, inserted, deleted, repeated, cut, or spliced with another input. */
function mutateOnce(random: Random, bytes: Buffer, others: readonly Uint8Array[]): Buffer {
  const at = random.int(bytes.length + 1);
  const length = 1 + random.int(Math.max(1, Math.min(64, bytes.length - at)));
  const copy = Buffer.from(bytes);
  switch (random.int(10)) {
    case 0:
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8));
      return copy;
    case 1:
      if (at < copy.length) copy[at] = random.int(256);
      return copy;
    case 2:
      if (at + 4 <= copy.length) copy.writeUInt32BE(edgeNear(random, copy.readUInt32BE(at)), at);
      return copy;
    case 3:
      return Buffer.concat([copy.subarray(0, at), randomBytes(random, length), copy.subarray(at)]);
    case 4:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)]);
    case 5:
      return Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)]);
    case 6:
      return copy.subarray(0, at);
    case 7: {
      const other = random.pick(others);
      return Buffer.concat([copy.subarray(0, at), other.subarray(random.int(other.length + 1))]);
    }
    case 8:
      return Buffer.concat([copy.subarray(0, at), random.pick(tokens), copy.subarray(at + random.int(2))]);
    default: {
      const from = random.int(bytes.length + 1);
      return Buffer.concat([
        copy.subarray(0, at),
        copy.subarray(from, from + random.int(256)),
        copy.subarray(at + length),
      ]);
    }
  }
}

/** A few changes of bytes, one to some eight of them. `others` are inputs to splice with. */
export function mutateBytes(random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.int(random.chance(0.5) ? 2 : 8); left > 0; left--) {
    mutated = mutateOnce(random, mutated, others);
  }
  return mutated;
}

/** A number at which a count breaks: an edge, one beside it, or one near the number that stood there. */
export function edgeNear(random: Random, value: number): number {
  const number = random.chance(0.5) ? random.pick(edges) : value;
  return (number + random.int(5) - 2) >>> 0;
}

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(256)));
}
