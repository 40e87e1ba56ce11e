import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSluiceError } from "../error.ts";
import { canonicalJson } from "./canonical-json.ts";
import { emptyContentHash } from "./content-hash.ts";
import type { JsonValue } from "./json-value.ts";
import { murmur3 } from "./murmur3.ts";
import {
  parsePartHeader,
  partCountFor,
  partHeaderBytes,
  partIndexOf,
  type PositionalRead,
  slotBytes,
  viewOf,
  writePartHeader,
} from "./part.ts";
import { buildPart, type Item } from "./part-builder.ts";
import { openPart, type PartReader } from "./part-reader.ts";

const vectors = JSON.parse(readFileSync(new URL("vectors/part.json", import.meta.url), "utf8")) as {
  cases: { items: [string, JsonValue][]; contentHash: string; name: string; base64: string }[];
  indexes: { keyHash: number; partCount: number; index: number }[];
};

/** Reads as a file does whose buffer is used again by the next read. */
function readerOf(bytes: Uint8Array): { read: PositionalRead; reads: [number, number][] } {
  const reads: [number, number][] = [];
  let scratch = new Uint8Array(0);
  const read: PositionalRead = (position, length) => {
    reads.push([position, length]);
    scratch.fill(0xee);
    if (scratch.length < length) scratch = new Uint8Array(length);
    const source = bytes.subarray(position, position + length);
    scratch.set(source);
    return scratch.subarray(0, source.length);
  };
  return { read, reads };
}

const open = (bytes: Uint8Array): PartReader => openPart(readerOf(bytes).read, bytes.length);
const itemsOf = (map: ReadonlyMap<string, string>): Item[] => [...map].map(([key, canonical]) => ({ key, canonical }));

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom("a", "b", "价", "😀", "é") }),
  fc.nat(1000).map((number) => `sku-${number}`),
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).map((json) => canonicalJson(json as JsonValue)),
  fc.nat(2000).map((length) => canonicalJson("x".repeat(length))),
);
const contents = fc.array(fc.tuple(key, value)).map((items) => new Map(items));

test("the shared vectors hold: the same items give the same bytes", () => {
  for (const { items, contentHash, name, base64 } of vectors.cases) {
    const part = buildPart(items.map(([itemKey, json]) => ({ key: itemKey, canonical: canonicalJson(json) })));
    expect(Buffer.from(part.bytes).toString("base64")).toBe(base64);
    expect(part).toMatchObject({ contentHash, name, itemCount: items.length });
  }
  for (const { keyHash, partCount, index } of vectors.indexes) expect(partIndexOf(keyHash, partCount)).toBe(index);
});

test("a part answers as the map that it was built from", () => {
  fc.assert(
    fc.property(contents, fc.array(key), (map, others) => {
      const built = buildPart(itemsOf(map));
      const part = open(built.bytes);
      expect(part).toMatchObject({
        recordCount: map.size,
        contentHash: built.contentHash,
        byteLength: built.bytes.length,
      });
      for (const asked of [...map.keys(), ...others, "", "\ud800"]) expect(part.get(asked)).toBe(map.get(asked));
      expect(new Map(part.entries())).toEqual(map);
    }),
  );
});

test("the order in which items come makes no difference", () => {
  const shuffled = contents.chain((map) =>
    fc.tuple(fc.constant(map), fc.shuffledSubarray([...map], { minLength: map.size })),
  );
  fc.assert(
    fc.property(shuffled, ([map, items]) => {
      expect(buildPart(itemsOf(new Map(items))).name).toBe(buildPart(itemsOf(map)).name);
    }),
  );
});

test("a changed byte is an error or makes no difference, never another answer", () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(contents, edits, fc.nat(3), (map, bytes, cut) => {
      const mutated = buildPart(itemsOf(map)).bytes.slice();
      for (const [at, byte] of bytes) mutated[at % mutated.length] = byte;
      const file = mutated.subarray(0, mutated.length - (cut === 3 ? 0 : cut));
      const attempts = [
        (part: PartReader) => expect(new Map(part.entries())).toEqual(map),
        ...[...map.keys()].map((asked) => (part: PartReader) => expect(part.get(asked)).toBe(map.get(asked))),
      ];
      for (const attempt of attempts) {
        try {
          attempt(open(file));
        } catch (error) {
          if (!isSluiceError(error, "CORRUPT")) throw error;
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("bytes that are no part are refused without reading or allocating what they name", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => open(bytes)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
    }),
  );
  const huge = new Uint8Array(partHeaderBytes);
  writePartHeader(huge, {
    kind: "part",
    recordCount: 0,
    slotCount: 0,
    byteLength: 0xffff_ffff,
    contentHash: emptyContentHash,
  });
  viewOf(huge).setUint32(8, 0xbfff_ffff);
  viewOf(huge).setUint32(12, 0xffff_ffff);
  const { read, reads } = readerOf(huge);
  expect(() => openPart(read, huge.length)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  expect(reads).toEqual([[0, partHeaderBytes]]);
});

test("a truncated file is not opened", () => {
  const { bytes } = buildPart([{ key: "a", canonical: "1" }]);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => open(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  }
});

test("a record that another record was copied over is noticed, though its CRC is right", () => {
  const { bytes } = buildPart([
    { key: "sku-1", canonical: "1" },
    { key: "sku-2", canonical: "2" },
  ]);
  const recordBytes = 12 + 5 + 1;
  const first = bytes.length - 2 * recordBytes;
  bytes.copyWithin(first + recordBytes, first, first + recordBytes);
  const part = open(bytes);
  const [copied, lost] = murmur3("sku-1") < murmur3("sku-2") ? ["sku-1", "sku-2"] : ["sku-2", "sku-1"];
  expect(part.get(copied)).toBe(copied.slice(-1));
  expect(() => part.get(lost)).toThrow("the record's key is not the one that the table names");
});

test("two keys of one hash are both found, and one is not taken for the other", () => {
  for (const prefix of ["k", "价"]) {
    const [first, second] = collidingKeys(prefix);
    const items = [
      { key: first, canonical: '"first"' },
      { key: second, canonical: '"second"' },
    ];
    const both = open(buildPart(items).bytes);
    expect([both.get(first), both.get(second)]).toEqual(['"first"', '"second"']);
    expect(open(buildPart(items.slice(1)).bytes).get(first)).toBeUndefined();
  }
});

test("a lone surrogate, which has no UTF-8, is not taken for the replacement character", () => {
  const part = open(buildPart([{ key: "\ufffd", canonical: "1" }]).bytes);
  expect([part.get("\ufffd"), part.get("\ud800")]).toEqual(["1", undefined]);
});

test("a record that names more bytes than the file has is refused before they are asked for", () => {
  const { bytes } = buildPart([{ key: "a", canonical: "1" }]);
  viewOf(bytes).setUint32(bytes.length - 10, 0xffff_ffff);
  const { read, reads } = readerOf(bytes);
  const part = openPart(read, bytes.length);
  expect(() => part.get("a")).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  expect(() => [...part.entries()]).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  expect(Math.max(...reads.map(([position, length]) => position + length))).toBe(bytes.length);
});

test("a table that lost an item is refused, though its CRC is right", () => {
  const built = buildPart([{ key: "a", canonical: "1" }]);
  const { bytes } = built;
  bytes.fill(0, partHeaderBytes, partHeaderBytes + 2 * slotBytes);
  writePartHeader(bytes, {
    kind: "part",
    recordCount: 1,
    slotCount: 2,
    byteLength: bytes.length,
    contentHash: built.contentHash,
  });
  expect(() => open(bytes)).toThrow("expected 1 records in the table, came 0");
});

test("a small record is one read, a large one two, a missing key none", () => {
  const long = canonicalJson("x".repeat(5000));
  const { bytes } = buildPart([
    { key: "short", canonical: "1" },
    { key: "long", canonical: long },
  ]);
  const { read, reads } = readerOf(bytes);
  const part = openPart(read, bytes.length);
  const readsOf = (asked: string) => {
    reads.length = 0;
    part.get(asked);
    return reads.length;
  };
  expect([readsOf("short"), readsOf("long"), readsOf("missing")]).toEqual([1, 2, 0]);
});

test("a lookup between two entries does not disturb them", () => {
  const map = new Map(Array.from({ length: 2000 }, (_, index) => [`sku-${index}`, canonicalJson("y".repeat(index))]));
  const part = open(buildPart(itemsOf(map)).bytes);
  const seen = new Map<string, string>();
  for (const [entryKey, canonical] of part.entries()) {
    part.get("sku-7");
    seen.set(entryKey, canonical);
  }
  expect(seen).toEqual(map);
});

test("what cannot be in a part is refused when it is built", () => {
  const refused: [Item[], string][] = [
    [
      [
        { key: "a", canonical: "1" },
        { key: "b", canonical: "1" },
        { key: "a", canonical: "2" },
      ],
      "DUPLICATE_KEY",
    ],
    [[{ key: "", canonical: "1" }], "INVALID_ITEM"],
    [[{ key: "\ud800", canonical: "1" }], "INVALID_ITEM"],
    [[{ key: "a", canonical: "" }], "INVALID_ITEM"],
  ];
  for (const [items, code] of refused) expect(() => buildPart(items)).toThrow(expect.objectContaining({ code }));
});

test("a part count aims at two megabytes and never passes 65,536", () => {
  const mebibyte = 1024 * 1024;
  expect(
    [0, 2 * mebibyte, 2 * mebibyte + 1, 160 * mebibyte, Number.MAX_SAFE_INTEGER].map((bytes) => partCountFor(bytes)),
  ).toEqual([1, 1, 2, 128, 65_536]);
});

test("part indexes split the range of hashes evenly and in order", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 16 }), (text, power) => {
      const keyHash = murmur3(text);
      expect(partIndexOf(keyHash, 2 ** power)).toBe(power === 0 ? 0 : keyHash >>> (32 - power));
    }),
  );
});

test("the header can be read by itself", () => {
  const { bytes, contentHash } = buildPart([{ key: "a", canonical: "1" }]);
  expect(parsePartHeader(bytes.subarray(0, partHeaderBytes))).toMatchObject({
    kind: "part",
    recordCount: 1,
    slotCount: 2,
    byteLength: bytes.length,
    contentHash,
  });
});

function collidingKeys(prefix: string): [string, string] {
  const seen = new Map<number, string>();
  for (let index = 0; ; index++) {
    const candidate = `${prefix}${index}`;
    const other = seen.get(murmur3(candidate));
    if (other !== undefined) return [other, candidate];
    seen.set(murmur3(candidate), candidate);
  }
}
