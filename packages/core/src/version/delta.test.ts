import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { createContentHash, itemHash } from "./content-hash.ts";
import { applyDelta, createDelta, type Delta } from "./delta.ts";
import type { JsonValue } from "./json-value.ts";

const vectors = JSON.parse(readFileSync(new URL("vectors/delta.json", import.meta.url), "utf8")) as {
  cases: {
    before: [string, JsonValue][];
    delta: Delta;
    contentHashBefore: string;
    contentHashAfter: string;
    itemsAfter: number;
  }[];
};

const key = fc.constantFrom("a", "b", "c", "d", "价", "😀", "__proto__");
const value = fc.jsonValue({ maxDepth: 1 }).map((json) => canonicalJson(json as JsonValue));
const delta: fc.Arbitrary<Delta> = fc.array(fc.tuple(key, fc.option(value))).map((changes) => {
  const last = new Map(changes);
  return createDelta(
    [...last].flatMap(([changed, canonical]) => (canonical === null ? [] : [[changed, canonical] as const])),
    [...last].flatMap(([changed, canonical]) => (canonical === null ? [changed] : [])),
  );
});
const items = fc.array(fc.tuple(key, value)).map((pairs) => new Map(pairs));

const hashOf = (map: ReadonlyMap<string, string>) => {
  const content = createContentHash();
  for (const [itemKey, canonical] of map) content.add(itemHash(itemKey, canonical));
  return content.hex();
};
const applied = (map: ReadonlyMap<string, string>, { set, remove }: Delta) => {
  const result = new Map(map);
  for (const [changed, canonical] of set) result.set(changed, canonical);
  for (const removed of remove) result.delete(removed);
  return result;
};

test("the shared vectors hold", () => {
  for (const { before, delta: given, contentHashBefore, contentHashAfter, itemsAfter } of vectors.cases) {
    const held = new Map(before.map(([itemKey, json]) => [itemKey, canonicalJson(json)]));
    expect(createDelta(given.set.toReversed(), given.remove.toReversed())).toEqual(given);
    for (const [, text] of given.set) expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(text);
    const lookup = (asked: string) => held.get(asked);
    expect(hashOf(held)).toBe(contentHashBefore);
    expect(applyDelta({ contentHash: contentHashBefore, items: held.size }, given, lookup)).toEqual({
      contentHash: contentHashAfter,
      items: itemsAfter,
    });
  }
});

test("a key that comes twice is refused, set or removed", () => {
  for (const [set, remove] of [
    [
      [
        ["a", "1"],
        ["a", "2"],
      ],
      [],
    ],
    [[["a", "1"]], ["a"]],
    [[], ["a", "a"]],
  ] as const) {
    expect(() => createDelta(set, remove)).toThrow(expect.objectContaining({ code: "DUPLICATE_KEY" }));
  }
});

test("the content hash by delta is the content hash from scratch", () => {
  fc.assert(
    fc.property(items, fc.array(delta), (start, deltas) => {
      let map: ReadonlyMap<string, string> = start;
      let sum = { contentHash: hashOf(start), items: start.size };
      for (const made of deltas) {
        const before = map;
        sum = applyDelta(sum, made, (asked) => before.get(asked));
        map = applied(before, made);
        expect(sum).toEqual({ contentHash: hashOf(map), items: map.size });
      }
    }),
  );
});
