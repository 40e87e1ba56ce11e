import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { murmur3, murmur3Bytes } from "./murmur3.ts";

const { cases } = JSON.parse(readFileSync(new URL("vectors/murmur3.json", import.meta.url), "utf8")) as {
  cases: { text: string; seed: number; hash: number }[];
};

test("the published vectors hold", () => {
  expect(murmur3("")).toBe(0);
  expect(murmur3("test")).toBe(0xba6bd213);
  expect(murmur3("Hello, world!")).toBe(0xc0363e43);
  expect(murmur3("The quick brown fox jumps over the lazy dog")).toBe(0x2e4ff723);
  expect(murmur3("", 1)).toBe(0x514e28b7);
  expect(murmur3("", 0xffffffff)).toBe(0x81f16f39);
});

test("the shared vectors hold", () => {
  expect(cases.length).toBeGreaterThan(10);
  expect(cases.map(({ text, seed }) => murmur3(text, seed))).toEqual(cases.map(({ hash }) => hash));
});

test("a text hashes as its UTF-8 bytes, short and long, ASCII and not", () => {
  const text = fc.string({ unit: "binary", maxLength: 3000, size: "max" });
  fc.assert(
    fc.property(fc.oneof(fc.string(), text), fc.integer({ min: 0, max: 0xffff_ffff }), (value, seed) => {
      const bytes = new TextEncoder().encode(value);
      expect(murmur3(value, seed)).toBe(murmur3Bytes(bytes, bytes.length, seed));
    }),
  );
});
