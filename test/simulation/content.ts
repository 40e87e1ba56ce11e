import { createHash } from "node:crypto";

/** Items of a version as the model holds them: key to canonical JSON text. */
export type Items = ReadonlyMap<string, string>;

/** JSON as the operators of this world write it: whole numbers, ASCII, no depth to speak of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

// Written anew from the design, so that an error in the code under test is not an error of its judge too.

/** Canonical JSON text. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "undefined";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

/** Content hash: the sum modulo 2^256 of the SHA-256 of each item, its key with its length in front. */
export function contentHashOf(items: Items): string {
  let sum = 0n;
  for (const [key, text] of items) {
    const keyBytes = Buffer.from(key);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(keyBytes.length);
    sum += BigInt(`0x${createHash("sha256").update(length).update(keyBytes).update(text).digest("hex")}`);
  }
  return (sum % 2n ** 256n).toString(16).padStart(64, "0");
}

/** The items after a delta as it stands in the log. */
export function withDelta(
  items: Items,
  delta: { readonly set: readonly (readonly [string, string])[]; readonly remove: readonly string[] },
): Items {
  const next = new Map(items);
  for (const [key, value] of delta.set) next.set(key, canonical(JSON.parse(value)));
  for (const key of delta.remove) next.delete(key);
  return next;
}

/** One change that an operator asks for. */
export type Change =
  | { readonly key: string; readonly merge: { readonly [name: string]: Json } }
  | { readonly key: string; readonly value: Json }
  | { readonly key: string; readonly remove: true };

/** The items after the changes that an operator asked for. */
export function withChanges(items: Items, changes: readonly Change[]): Items {
  const next = new Map(items);
  for (const change of changes) {
    if ("remove" in change) next.delete(change.key);
    else if ("value" in change) next.set(change.key, canonical(change.value));
    else {
      const before: unknown = JSON.parse(next.get(change.key) ?? "{}");
      const merged = Object.entries({ ...(before as object), ...change.merge }).filter(([, member]) => member !== null);
      next.set(change.key, canonical(Object.fromEntries(merged)));
    }
  }
  return next;
}

/** The bucket, 0 to 99,999, of a targeting key: MurmurHash3 (x86, 32 bit, seed 0) of `salt:key`, scaled. ASCII only. */
export function bucketOf(salt: string, targetingKey: string): number {
  return Math.floor((murmur(Buffer.from(`${salt}:${targetingKey}`)) * 100_000) / 2 ** 32);
}

function murmur(bytes: Buffer): number {
  const word = (index: number): number => {
    let value = 0;
    for (let byte = 3; byte >= 0; byte--) value = value * 256 + (bytes[index + byte] ?? 0);
    return value;
  };
  const scrambled = (value: number): number => Math.imul(rotated(Math.imul(value, 0xcc9e2d51), 15), 0x1b873593);
  const whole = bytes.length - (bytes.length % 4);
  let state = 0;
  for (let index = 0; index < whole; index += 4) {
    state = (Math.imul(rotated(state ^ scrambled(word(index)), 13), 5) + 0xe6546b64) | 0;
  }
  if (whole < bytes.length) state ^= scrambled(word(whole));
  state ^= bytes.length;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
