import { encodeUtf8, writeUtf8 } from "./utf8.ts";

const c1 = 0xcc9e2d51;
const c2 = 0x1b873593;

// Scratch for the call that is running: nothing of it outlives a call, and calls do not nest.
const scratch = new Uint8Array(4096);

/**
 * MurmurHash3, x86, 32 bit, of a text in UTF-8: an integer from 0 to 2^32 - 1. `seed` defaults to 0.
 * A lone surrogate is hashed as U+FFFD, as every UTF-8 encoder writes it. ASCII texts allocate nothing.
 * Source: Austin Appleby's MurmurHash3_x86_32, public domain.
 */
export function murmur3(text: string, seed = 0): number {
  const length = text.length;
  const whole = length - (length % 4);
  let hash = seed | 0;
  let index = 0;
  for (; index < whole; index += 4) {
    const a = text.charCodeAt(index);
    const b = text.charCodeAt(index + 1);
    const c = text.charCodeAt(index + 2);
    const d = text.charCodeAt(index + 3);
    if ((a | b | c | d) > 0x7f) return murmur3OfEncoded(text, seed);
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return murmur3OfEncoded(text, seed);
    tail |= unit << (8 * (index - whole));
  }
  return finish(hash, tail, length);
}

/** MurmurHash3, x86, 32 bit, of the first `length` bytes. */
export function murmur3Bytes(bytes: Uint8Array, length: number = bytes.length, seed = 0): number {
  const whole = length - (length % 4);
  let hash = seed | 0;
  let index = 0;
  for (; index < whole; index += 4) {
    const low = at(bytes, index) | (at(bytes, index + 1) << 8);
    hash = mixBlock(hash, low | (at(bytes, index + 2) << 16) | (at(bytes, index + 3) << 24));
  }
  let tail = 0;
  for (; index < length; index++) tail |= at(bytes, index) << (8 * (index - whole));
  return finish(hash, tail, length);
}

function murmur3OfEncoded(text: string, seed: number): number {
  if (text.length * 3 <= scratch.length) return murmur3Bytes(scratch, writeUtf8(text, scratch, 0), seed);
  const bytes = encodeUtf8(text);
  return murmur3Bytes(bytes, bytes.length, seed);
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function scramble(block: number): number {
  const mixed = Math.imul(block, c1);
  return Math.imul((mixed << 15) | (mixed >>> 17), c2);
}

function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ scramble(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number, tail: number, length: number): number {
  let mixed = hash ^ scramble(tail) ^ length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
