import { createDelta } from "@sluice/core";
import type { ReadableVersion } from "@sluice/replica";
import { expect, test } from "vitest";
import { ItemCache, type LineRef } from "./item-cache.ts";
import type { LineChain } from "./line-chain.ts";
import { createMemoryVersion } from "./memory-version.ts";

/** A version that counts its reads. */
function countedVersion(
  number: number,
  items: Readonly<Record<string, string>>,
): ReadableVersion & { reads: string[] } {
  const version = createMemoryVersion(number, new Map(Object.entries(items)));
  const reads: string[] = [];
  const get = (key: string): string | undefined => {
    reads.push(key);
    return version.get(key);
  };
  return { ...version, reads, get };
}

function createCache(options: { itemsMax?: number; bytesMax?: number | null } = {}): {
  cache: ItemCache;
  decoded: string[];
} {
  const decoded: string[] = [];
  const decode = (text: string): unknown => {
    decoded.push(text);
    return Object.freeze({ text });
  };
  return { cache: new ItemCache({ decode, itemsMax: 10, bytesMax: null, ...options }), decoded };
}

const noChains = (): readonly LineChain[] => [];

function lineOf(ref: LineRef | null): LineRef {
  if (ref === null) throw new Error("no line");
  return ref;
}

/** The version after a patch and the proof that it is. */
function patch(version: ReadableVersion, key: string, text: string): [ReadableVersion, () => readonly LineChain[]] {
  const delta = createDelta([[key, text]], []);
  const next = version.with(delta, { number: version.number + 1, ...version.measure(delta) });
  return [next, () => [{ from: version.contentHash, to: next.contentHash, keys: new Set([key]) }]];
}

test("an item is read and decoded once, and given as the same value each time", () => {
  const { cache, decoded } = createCache();
  const version = countedVersion(1, { a: "1" });
  const stable = lineOf(cache.advance({ stable: version, candidate: null }, noChains).stable);
  const first = cache.find(stable, null, "a").value(stable.slot);
  expect(cache.find(stable, null, "a").value(stable.slot)).toBe(first);
  expect(version.reads).toEqual(["a"]);
  expect(decoded).toEqual(["1"]);
});

test("that there is no item is remembered too", () => {
  const { cache } = createCache();
  const version = countedVersion(1, {});
  const stable = lineOf(cache.advance({ stable: version, candidate: null }, noChains).stable);
  expect(cache.find(stable, null, "a").value(stable.slot)).toBeUndefined();
  expect(cache.find(stable, null, "a").value(stable.slot)).toBeUndefined();
  expect(version.reads).toEqual(["a"]);
});

test("an item that both lines share is decoded and held once, whichever line is read first and whether or not they are compared", () => {
  for (const [first, second] of [
    ["stable", "candidate"],
    ["candidate", "stable"],
  ] as const) {
    for (const compared of [true, false]) {
      const { cache, decoded } = createCache();
      const lines = { stable: countedVersion(1, { a: "1", b: "1" }), candidate: countedVersion(2, { a: "1", b: "2" }) };
      const refs = cache.advance(lines, noChains);
      const [one, two] = [lineOf(refs[first]), lineOf(refs[second])];
      const value = cache.find(one, compared ? two : null, "a").value(one.slot);
      const entry = cache.find(two, compared ? one : null, "a");
      expect(entry.value(two.slot)).toBe(value);
      expect(entry.differs).toBe(false);
      expect(decoded).toEqual(["1"]);
      expect(cache.find(one, two, "b").differs).toBe(true);
    }
  }
});

test("the line that nobody reads is not decoded", () => {
  const { cache, decoded } = createCache();
  const refs = cache.advance(
    { stable: countedVersion(1, { a: "1" }), candidate: countedVersion(2, { a: "2" }) },
    noChains,
  );
  const [stable, candidate] = [lineOf(refs.stable), lineOf(refs.candidate)];
  expect(cache.find(stable, candidate, "a").differs).toBe(true);
  expect(decoded).toEqual(["1"]);
});

test("a patch takes exactly the patched keys out", () => {
  const { cache, decoded } = createCache();
  const version = countedVersion(1, { a: "1", b: "1" });
  const before = lineOf(cache.advance({ stable: version, candidate: null }, noChains).stable);
  for (const key of ["a", "b"]) cache.find(before, null, key);
  const [next, chains] = patch(version, "a", "2");
  const after = lineOf(cache.advance({ stable: next, candidate: null }, chains).stable);
  expect(cache.items).toBe(1);
  expect(cache.find(after, null, "b").value(after.slot)).toEqual({ text: "1" });
  expect(cache.find(after, null, "a").value(after.slot)).toEqual({ text: "2" });
  expect(decoded).toEqual(["1", "1", "2"]);
});

test("a view made before a patch reads what was not patched from the cache, and the patched item from its own version", () => {
  const { cache } = createCache();
  const version = countedVersion(1, { a: "1", b: "1" });
  const before = lineOf(cache.advance({ stable: version, candidate: null }, noChains).stable);
  for (const key of ["a", "b"]) cache.find(before, null, key);
  const [next, chains] = patch(version, "a", "2");
  const after = lineOf(cache.advance({ stable: next, candidate: null }, chains).stable);
  cache.find(after, null, "a");
  version.reads.length = 0;
  expect(cache.find(before, null, "b").value(before.slot)).toEqual({ text: "1" });
  expect(version.reads).toEqual([]);
  expect(cache.find(before, null, "a").value(before.slot)).toEqual({ text: "1" });
  expect(version.reads).toEqual(["a"]);
  expect(cache.find(after, null, "a").value(after.slot)).toEqual({ text: "2" });
});

test("a version that is not proven to go on starts without a value", () => {
  const { cache, decoded } = createCache();
  const before = lineOf(
    cache.advance({ stable: countedVersion(1, { a: "1", b: "1" }), candidate: null }, noChains).stable,
  );
  cache.find(before, null, "a");
  const after = lineOf(
    cache.advance({ stable: countedVersion(2, { a: "1", b: "2" }), candidate: null }, noChains).stable,
  );
  cache.find(after, null, "a");
  expect(decoded).toEqual(["1", "1"]);
});

test("the same content under another version object keeps its values", () => {
  const { cache, decoded } = createCache();
  const before = lineOf(cache.advance({ stable: countedVersion(1, { a: "1" }), candidate: null }, noChains).stable);
  const value = cache.find(before, null, "a").value(before.slot);
  const after = lineOf(cache.advance({ stable: countedVersion(1, { a: "1" }), candidate: null }, noChains).stable);
  expect(cache.find(after, null, "a").value(after.slot)).toBe(value);
  expect(decoded).toEqual(["1"]);
});

test("a completed candidate keeps its values as the stable line, and the next candidate has none of them", () => {
  const { cache, decoded } = createCache();
  const [one, two, three] = [
    countedVersion(1, { a: "1" }),
    countedVersion(2, { a: "2" }),
    countedVersion(3, { a: "3" }),
  ];
  const running = lineOf(cache.advance({ stable: one, candidate: two }, noChains).candidate);
  const value = cache.find(running, null, "a").value(running.slot);
  const stable = lineOf(cache.advance({ stable: two, candidate: null }, noChains).stable);
  expect(cache.find(stable, null, "a").value(stable.slot)).toBe(value);
  const refs = cache.advance({ stable: two, candidate: three }, noChains);
  const candidate = lineOf(refs.candidate);
  expect(cache.find(candidate, refs.stable, "a").value(candidate.slot)).toEqual({ text: "3" });
  expect(decoded).toEqual(["2", "3"]);
});

test("the cache keeps to its number of keys", () => {
  const { cache } = createCache({ itemsMax: 2 });
  const stable = lineOf(
    cache.advance({ stable: countedVersion(1, { a: "1", b: "1", c: "1" }), candidate: null }, noChains).stable,
  );
  for (const key of ["a", "b", "c"]) cache.find(stable, null, key);
  expect(cache.items).toBe(2);
});

test("the cache keeps to its bytes, both values of a key that differs included", () => {
  const { cache } = createCache({ bytesMax: 10 });
  const stable = countedVersion(1, { a: "11111", b: "11111", c: "1" });
  const candidate = countedVersion(2, { a: "22222", b: "11111", c: "1" });
  const refs = cache.advance({ stable, candidate }, noChains);
  const [line, other] = [lineOf(refs.stable), lineOf(refs.candidate)];
  cache.find(line, other, "b");
  cache.find(line, other, "c");
  expect([cache.items, cache.bytes]).toEqual([2, 6]);
  cache.find(line, other, "a");
  expect([cache.items, cache.bytes]).toEqual([1, 10]);
});

test("a walk over all items keeps none and gives the cached value where there is one", () => {
  const { cache, decoded } = createCache();
  const stable = lineOf(
    cache.advance({ stable: countedVersion(1, { a: "1", b: "2" }), candidate: null }, noChains).stable,
  );
  const value = cache.find(stable, null, "a").value(stable.slot);
  expect(cache.decode(stable, "a", "1")).toBe(value);
  expect(cache.decode(stable, "b", "2")).toEqual({ text: "2" });
  expect(cache.items).toBe(1);
  expect(decoded).toEqual(["1", "2"]);
});

test("a value that cannot be decoded for good is not cached", () => {
  const cache = new ItemCache({
    decode: () => {
      throw new Error("asynchronous");
    },
    itemsMax: 10,
    bytesMax: null,
  });
  const stable = lineOf(cache.advance({ stable: countedVersion(1, { a: "1" }), candidate: null }, noChains).stable);
  expect(() => cache.find(stable, null, "a")).toThrow("asynchronous");
  expect(cache.items).toBe(0);
});
