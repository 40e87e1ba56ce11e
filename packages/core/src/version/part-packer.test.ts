import fc from "fast-check";
import { expect, test } from "vitest";
import { murmur3 } from "./murmur3.ts";
import { buildLayer, buildPart } from "./part-builder.ts";
import { packRecords, type PackedRecords } from "./part-packer.ts";
import { openRecordCursor } from "./record-cursor.ts";

const text = (bytes: Uint8Array, start: number, end: number): string => Buffer.from(bytes).toString("utf8", start, end);

const key = fc
  .oneof(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), fc.constantFrom("a", "价", "😀"))
  .filter((made) => !/\p{Cc}/u.test(made));
const items = fc
  .array(fc.tuple(key, fc.oneof(fc.json(), fc.constant('"' + "x".repeat(3_000) + '"'))), { maxLength: 60 })
  .map((pairs) => new Map(pairs));

/** Items as packed records; a value of null is one that a layer removes. */
function packed(entries: Iterable<readonly [string, string | null]>): PackedRecords {
  const sorted = [...entries]
    .map(([itemKey, canonical]) => ({ itemKey, canonical: canonical ?? "", keyHash: murmur3(itemKey) }))
    .sort((a, b) => a.keyHash - b.keyHash || (a.itemKey < b.itemKey ? -1 : 1));
  const positions: number[] = [];
  const chunks: Buffer[] = [];
  let at = 0;
  for (const { itemKey, canonical } of sorted) {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(Buffer.byteLength(canonical), 0);
    head.writeUInt32BE(Buffer.byteLength(itemKey), 4);
    positions.push(at);
    chunks.push(head, Buffer.from(itemKey + canonical));
    at += 8 + Buffer.byteLength(itemKey + canonical);
  }
  return {
    bytes: Buffer.concat(chunks),
    positions: Uint32Array.from(positions),
    keyHashes: Uint32Array.from(sorted, ({ keyHash }) => keyHash),
  };
}

test("records give the part that their items give", () => {
  fc.assert(
    fc.property(items, (map) => {
      const { recordCount, ...part } = packRecords("part", packed(map));
      expect(part).toEqual(buildPart([...map].map(([itemKey, canonical]) => ({ key: itemKey, canonical }))));
      expect(recordCount).toBe(map.size);
    }),
  );
});

test("records without a value give the layer that removes their items", () => {
  fc.assert(
    fc.property(items, fc.nat(4), (map, every) => {
      const entries = [...map].map(
        ([itemKey, canonical], index) => [itemKey, index % 5 === every ? null : canonical] as const,
      );
      const layer = buildLayer(entries.map(([itemKey, canonical]) => ({ key: itemKey, canonical })));
      expect(packRecords("layer", packed(entries))).toEqual(layer);
    }),
  );
});

test("a cursor goes through the records from a hash on, however they lie in its blocks", () => {
  const many = new Map(
    Array.from({ length: 4_000 }, (_, index) => [`sku-${index}`, JSON.stringify("x".repeat(index % 700))]),
  );
  const { bytes } = buildPart([...many].map(([itemKey, canonical]) => ({ key: itemKey, canonical })));
  const sorted = [...many.keys()].sort((a, b) => murmur3(a) - murmur3(b));
  for (const from of [0, 1, 0x4000_0000, 0xffff_ffff]) {
    const cursor = openRecordCursor(
      "part",
      (position, length) => bytes.subarray(position, position + length),
      bytes.length,
      from,
    );
    const read: string[] = [];
    while (cursor.next()) {
      cursor.check();
      const itemKey = text(cursor.bytes, cursor.keyStart, cursor.keyEnd);
      expect(cursor.keyHash).toBe(murmur3(itemKey));
      expect(text(cursor.bytes, cursor.keyEnd, cursor.end)).toBe(many.get(itemKey));
      read.push(itemKey);
    }
    expect(read).toEqual(sorted.filter((itemKey) => murmur3(itemKey) >= from));
  }
});

const walk = (bytes: Uint8Array): string[] => {
  const cursor = openRecordCursor(
    "part",
    (position, length) => bytes.subarray(position, position + length),
    bytes.length,
  );
  const read: string[] = [];
  while (cursor.next()) {
    cursor.check();
    read.push(text(cursor.bytes, cursor.keyStart, cursor.end));
  }
  return read;
};

test("a flipped byte of a record is noticed", () => {
  const { bytes: good } = buildPart([
    { key: "a", canonical: "1" },
    { key: "b", canonical: '{"price":2}' },
  ]);
  const expected = walk(good);
  const tableEnd = 56 + 3 * 8;
  for (let index = tableEnd; index < good.length; index++) {
    const bytes = good.slice();
    bytes[index] = (bytes[index] as number) ^ 1;
    expect(() => walk(bytes)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  }
  expect(expected).toHaveLength(2);
});
