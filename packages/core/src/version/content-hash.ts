import { hash } from "node:crypto";
import { assert } from "../assert.ts";
import { SluiceError } from "../error.ts";
import { writeUtf8 } from "./utf8.ts";

/** The content hash of a version without items: 64 zeros. */
export const emptyContentHash: string = "0".repeat(64);

// Scratch for the call that is running: nothing of it outlives a call, and calls do not nest.
const scratch = new Uint8Array(64 * 1024);

/** A content hash that items are added to and taken from, each in the same time however many there are. */
export interface ContentHash {
  /** Adds the hash of an item (32 bytes, from `itemHash`). */
  add(item: Uint8Array): void;
  /** Takes the hash of an item away. */
  subtract(item: Uint8Array): void;
  /** Adds the hash of an item given as the bytes that `itemHash` is over. */
  addItem(bytes: Uint8Array): void;
  /** Takes the hash of such an item away. */
  subtractItem(bytes: Uint8Array): void;
  /** Adds the content hash of other items, 64 hex digits: the parts of a version add up to the version. Throws CORRUPT on other text. */
  addHash(hex: string): void;
  /** Takes the content hash of other items away. Throws as `addHash` does. */
  subtractHash(hex: string): void;
  /** The sum so far, 64 lower-case hex digits. */
  hex(): string;
}

/**
 * The SHA-256 of an item, 32 bytes: over the key's length in bytes as four big-endian bytes, the key in UTF-8, and the
 * canonical JSON text of the value in UTF-8.
 */
export function itemHash(key: string, canonical: string): Uint8Array {
  const bytesMax = 4 + 3 * (key.length + canonical.length);
  const bytes = bytesMax <= scratch.length ? scratch : new Uint8Array(bytesMax);
  const keyBytes = writeUtf8(key, bytes, 4);
  bytes[0] = keyBytes >>> 24;
  bytes[1] = keyBytes >>> 16;
  bytes[2] = keyBytes >>> 8;
  bytes[3] = keyBytes;
  const valueBytes = writeUtf8(canonical, bytes, 4 + keyBytes);
  return sha256(bytes.subarray(0, 4 + keyBytes + valueBytes));
}

/** By way of a text: a digest that comes as a buffer costs twice as much as hashing an item. */
function sha256(bytes: Uint8Array): Uint8Array {
  const text = hash("sha256", bytes, "binary");
  const digest = new Uint8Array(32);
  for (let index = 0; index < 32; index++) digest[index] = text.charCodeAt(index);
  return digest;
}

/**
 * A content hash: the sum modulo 2^256 of the hashes of the items, whatever their order. Starts at `hex` (64 hex digits) or at
 * nothing. Throws CORRUPT where `hex` is something else.
 */
export function createContentHash(hex: string = emptyContentHash): ContentHash {
  // Eight limbs of 32 bits, lowest first.
  const limbs = new Uint32Array(8);
  const sum = (bytes: Uint8Array, sign: 1 | -1): void => {
    assert(bytes.length === 32, `an item hash has 32 bytes, not ${bytes.length}`);
    let carry = 0;
    for (let index = 0; index < 8; index++) {
      const total = limb(limbs, index) + sign * wordAt(bytes, 28 - 4 * index) + carry;
      limbs[index] = total;
      carry = Math.floor(total / 0x1_0000_0000);
    }
  };
  /** The same of a digest as a text of 32 characters, of which nothing has to be made first. */
  const sumText = (digest: string, sign: 1 | -1): void => {
    let carry = 0;
    for (let index = 0; index < 8; index++) {
      const at = 28 - 4 * index;
      const high = (digest.charCodeAt(at) << 24) | (digest.charCodeAt(at + 1) << 16);
      const word = (high | (digest.charCodeAt(at + 2) << 8) | digest.charCodeAt(at + 3)) >>> 0;
      const total = limb(limbs, index) + sign * word + carry;
      limbs[index] = total;
      carry = Math.floor(total / 0x1_0000_0000);
    }
  };
  const content: ContentHash = {
    add: (item) => sum(item, 1),
    subtract: (item) => sum(item, -1),
    addItem: (bytes) => sumText(hash("sha256", bytes, "binary"), 1),
    subtractItem: (bytes) => sumText(hash("sha256", bytes, "binary"), -1),
    addHash: (other) => sum(bytesOf(other), 1),
    subtractHash: (other) => sum(bytesOf(other), -1),
    hex() {
      let text = "";
      for (let index = 7; index >= 0; index--) text += limb(limbs, index).toString(16).padStart(8, "0");
      return text;
    },
  };
  content.addHash(hex);
  return content;
}

function bytesOf(hex: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new SluiceError(
      "CORRUPT",
      `expected a content hash of 64 lower-case hex digits, came ${hex.length} characters`,
    );
  }
  const bytes = new Uint8Array(32);
  for (let index = 0; index < 32; index++) bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}

function limb(limbs: Uint32Array, index: number): number {
  return limbs[index] as number;
}

function wordAt(bytes: Uint8Array, index: number): number {
  const high = ((bytes[index] as number) << 24) | ((bytes[index + 1] as number) << 16);
  return (high | ((bytes[index + 2] as number) << 8) | (bytes[index + 3] as number)) >>> 0;
}
