import { createHash } from "node:crypto";
import { murmur3 } from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { countShared, createChangeList } from "./changes.ts";
import { compareKeys } from "./group.ts";

function listOf(changes: ReadonlyMap<string, string | undefined>): Uint8Array {
  const list = createChangeList();
  const keys = [...changes.keys()].sort((a, b) => murmur3(a) - murmur3(b) || compareKeys(a, b));
  for (const key of keys) {
    const canonical = changes.get(key);
    list.add(key, canonical === undefined ? null : Buffer.from(canonical));
  }
  return list.bytes();
}

/** The bytes in pieces of so many. */
function cut(bytes: Uint8Array, length: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += length) pieces.push(bytes.subarray(start, start + length));
  return pieces;
}

const changes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined })))
  .map(
    (pairs) =>
      new Map(pairs.map(([key, value]) => [`键 ${key}\n"`, value === undefined ? undefined : `{"v":${value}}`])),
  );

test("changes are shared where key and value are the same and the key is not lifted, as counting by a map finds", () => {
  const length = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(changes, changes, fc.subarray(['键 1\n"', '键 2\n"']), length, (ours, theirs, lifted, pieceBytes) => {
      const expected = [...ours].filter(
        ([key, value]) => theirs.has(key) && theirs.get(key) === value && !lifted.includes(key),
      ).length;
      const counted = countShared(cut(listOf(ours), pieceBytes), [listOf(theirs)], new Set(lifted));
      expect(counted).toBe(expected);
    }),
  );
});

test("the same changes make the same list, of which nobody else's bytes have the name", () => {
  const list = listOf(
    new Map([
      ["sku-1", '{"price":1}'],
      ["sku-2", undefined],
    ]),
  );
  expect(Buffer.from(list).toString()).toBe('["sku-2",null]\n["sku-1","ed5e399cb2eb7b49"]\n');
  expect(createHash("sha256").update(list).digest("hex")).toBe(
    "539d8c4dbc69938e59ed1bf53d03c5c514d8b4c0a8194b7a11ec6a40e67973df",
  );
});

test.each([["{"], ["[1,null]\n"], ['["a",5]\n'], ["null\n"], ['["a",null]']])(
  "a list with %j in it is refused, as a list that is damaged",
  (text) => {
    const ours = createChangeList();
    ours.add("a", null);
    const count = (): number => countShared([ours.bytes()], [Buffer.from(text)], new Set());
    expect(count).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  },
);
