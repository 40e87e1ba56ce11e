import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { createContentHash, emptyContentHash, itemHash } from "./content-hash.ts";
import type { JsonValue } from "./json-value.ts";

const vectors = JSON.parse(readFileSync(new URL("vectors/content-hash.json", import.meta.url), "utf8")) as {
  items: { key: string; value: JsonValue; canonical: string; hash: string }[];
  sums: { items: [string, JsonValue][]; hash: string }[];
};

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const sumOf = (items: Iterable<readonly [string, JsonValue]>) => {
  const content = createContentHash();
  for (const [key, value] of items) content.add(itemHash(key, canonicalJson(value)));
  return content.hex();
};

test("the shared vectors hold", () => {
  for (const { key, value, canonical, hash } of vectors.items) {
    expect(canonicalJson(value)).toBe(canonical);
    expect(hexOf(itemHash(key, canonical))).toBe(hash);
  }
  for (const { items, hash } of vectors.sums) expect(sumOf(items)).toBe(hash);
});

test("limbs add up as one number of 256 bits", () => {
  const item = fc.uint8Array({ minLength: 32, maxLength: 32 });
  // Long runs of 00 and ff are where carries go wrong.
  const edge = fc
    .array(fc.constantFrom(0, 0xff, 1), { minLength: 32, maxLength: 32 })
    .map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.oneof(item, edge), fc.boolean())), (steps) => {
      const content = createContentHash();
      let expected = 0n;
      for (const [bytes, adds] of steps) {
        const number = BigInt(`0x${hexOf(bytes)}`);
        if (adds) content.add(bytes);
        else content.subtract(bytes);
        expected = BigInt.asUintN(256, expected + (adds ? number : -number));
      }
      expect(content.hex()).toBe(expected.toString(16).padStart(64, "0"));
    }),
  );
});

test("the hashes of parts add up to the hash of the whole", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), fc.nat(), (object, cut) => {
      const items = Object.entries(object);
      const whole = createContentHash(sumOf(items.slice(0, cut)));
      whole.addHash(sumOf(items.slice(cut)));
      expect(whole.hex()).toBe(sumOf(items));
    }),
  );
});

test("a value of a megabyte hashes like any other", () => {
  const canonical = canonicalJson("价".repeat(400_000));
  const content = createContentHash();
  content.add(itemHash("k", canonical));
  expect(content.hex()).not.toBe(emptyContentHash);
  content.subtract(itemHash("k", canonical));
  expect(content.hex()).toBe(emptyContentHash);
});

test("where key and value meet is part of the hash", () => {
  expect(hexOf(itemHash("a", "11"))).not.toBe(hexOf(itemHash("a1", "1")));
});

test("what is no content hash is refused", () => {
  for (const hex of ["", "0".repeat(63), "G".repeat(64), "A".repeat(64)]) {
    expect(() => createContentHash(hex)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  }
});
