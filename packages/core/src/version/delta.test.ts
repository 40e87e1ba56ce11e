import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSluiceError } from "../error.ts";
import { canonicalJson } from "./canonical-json.ts";
import { createContentHash, itemHash } from "./content-hash.ts";
import {
  applyDeltaCount,
  applyDeltaHash,
  createDelta,
  type Delta,
  decodeDelta,
  defaultDeltaLimits,
  deltaFromJson,
  deltaName,
  deltaToJson,
  emptyDelta,
  encodeDelta,
  mergeDeltas,
} from "./delta.ts";
import type { JsonValue } from "./json-value.ts";

const vectors = JSON.parse(readFileSync(new URL("vectors/delta.json", import.meta.url), "utf8")) as {
  cases: {
    before: [string, JsonValue][];
    set: [string, JsonValue][];
    remove: string[];
    text: string;
    name: string;
    contentHashBefore: string;
    contentHashAfter: string;
    itemsAfter: number;
  }[];
  refused: { text: string; code: string }[];
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
  for (const vector of vectors.cases) {
    const before = new Map(vector.before.map(([itemKey, json]) => [itemKey, canonicalJson(json)]));
    const made = createDelta(
      vector.set.map(([changed, json]) => [changed, canonicalJson(json)] as const),
      vector.remove,
    );
    expect(encodeDelta(made)).toBe(vector.text);
    expect(decodeDelta(vector.text)).toEqual(made);
    expect(deltaName(vector.text)).toBe(vector.name);
    const lookup = (asked: string) => before.get(asked);
    expect(applyDeltaHash(vector.contentHashBefore, made, lookup)).toBe(vector.contentHashAfter);
    expect(applyDeltaCount(before.size, made, lookup)).toBe(vector.itemsAfter);
  }
  for (const { text, code } of vectors.refused) {
    expect(() => decodeDelta(text)).toThrow(expect.objectContaining({ code }));
  }
});

test("a delta that was encoded is decoded as the same, and its text is canonical JSON", () => {
  fc.assert(
    fc.property(delta, (made) => {
      const text = encodeDelta(made);
      expect(decodeDelta(text)).toEqual(made);
      expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(text);
      expect(deltaFromJson(JSON.parse(JSON.stringify(deltaToJson(made))))).toEqual(made);
    }),
  );
});

test("the content hash by delta is the content hash from scratch", () => {
  fc.assert(
    fc.property(items, fc.array(delta), (start, deltas) => {
      let map: ReadonlyMap<string, string> = start;
      let contentHash = hashOf(start);
      let count = start.size;
      for (const made of deltas) {
        const before = map;
        contentHash = applyDeltaHash(contentHash, made, (asked) => before.get(asked));
        count = applyDeltaCount(count, made, (asked) => before.get(asked));
        map = applied(before, made);
        expect([contentHash, count]).toEqual([hashOf(map), map.size]);
      }
    }),
  );
});

test("merged deltas do what the two do one after the other", () => {
  fc.assert(
    fc.property(items, delta, delta, (map, older, newer) => {
      expect(applied(map, mergeDeltas(older, newer))).toEqual(applied(applied(map, older), newer));
    }),
  );
});

test("merging is associative, and the empty delta changes nothing", () => {
  fc.assert(
    fc.property(delta, delta, delta, (a, b, c) => {
      expect(mergeDeltas(mergeDeltas(a, b), c)).toEqual(mergeDeltas(a, mergeDeltas(b, c)));
      expect(mergeDeltas(a, emptyDelta)).toEqual(a);
      expect(mergeDeltas(emptyDelta, a)).toEqual(a);
    }),
  );
});

test("a changed text is another delta or a typed error", () => {
  fc.assert(
    fc.property(delta, fc.nat(), fc.string({ maxLength: 3 }), fc.nat(3), (made, at, piece, cut) => {
      const text = encodeDelta(made);
      const index = at % (text.length + 1);
      const mutated = text.slice(0, index) + piece + text.slice(index + cut);
      try {
        expect(encodeDelta(decodeDelta(mutated))).toBe(mutated);
      } catch (error) {
        if (!isSluiceError(error, "INVALID_JSON", "INVALID_ITEM", "DUPLICATE_KEY", "LIMIT_EXCEEDED")) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test("each limit is held", () => {
  const text = encodeDelta(createDelta([["key", '"value"']], ["other"]));
  expect(
    decodeDelta(text, { ...defaultDeltaLimits, keyBytesMax: 5, valueBytesMax: 7, deltaItemsMax: 2 }).remove,
  ).toEqual(["other"]);
  const tighter = [{ keyBytesMax: 4 }, { valueBytesMax: 6 }, { deltaItemsMax: 1 }, { deltaBytesMax: text.length - 1 }];
  for (const limit of tighter) {
    expect(() => decodeDelta(text, { ...defaultDeltaLimits, ...limit })).toThrow(
      expect.objectContaining({ code: "LIMIT_EXCEEDED" }),
    );
  }
});

const deep = (depth: number) => `{"remove":[],"set":[["a",${"[".repeat(depth)}${"]".repeat(depth)}]]}`;

test("a value in a delta may be nested as deep as any value", () => {
  expect(decodeDelta(deep(64)).set).toHaveLength(1);
  expect(() => decodeDelta(deep(65))).toThrow(expect.objectContaining({ code: "INVALID_JSON" }));
});

test("a delta that came as JSON is refused for what is no JSON, with its path", () => {
  const refusals: [unknown, object][] = [
    [undefined, { code: "INVALID_JSON" }],
    [{ set: [], remove: {} }, { code: "INVALID_JSON" }],
    [
      { set: [[1, 2]], remove: [] },
      { code: "INVALID_JSON", details: { path: "/set/0/0" } },
    ],
    [
      { set: [], remove: ["a", "\n"] },
      { code: "INVALID_ITEM", details: { path: "/remove/1" } },
    ],
    [{ set: [["a", undefined]], remove: [] }, { code: "INVALID_JSON" }],
  ];
  for (const [json, error] of refusals) expect(() => deltaFromJson(json)).toThrow(expect.objectContaining(error));
});
