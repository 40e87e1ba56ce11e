import { murmur3 } from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChangeList, compareKeys, countShared, createChangeList } from "./changes.ts";
import { createPace } from "./pace.ts";

const pace = createPace(async () => {}, new AbortController().signal);

function listOf(changes: ReadonlyMap<string, string | undefined>): ChangeList {
  const list = createChangeList();
  const keys = [...changes.keys()].sort((a, b) => murmur3(a) - murmur3(b) || compareKeys(a, b));
  for (const key of keys) list.add(key, changes.get(key));
  return list.finish();
}

const changes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined })))
  .map(
    (pairs) =>
      new Map(pairs.map(([key, value]) => [`键 ${key}\n"`, value === undefined ? undefined : `{"v":${value}}`])),
  );

test("changes are shared where key and value are the same and the key is not lifted, as counting by a map finds", async () => {
  await fc.assert(
    fc.asyncProperty(changes, changes, fc.subarray(['键 1\n"', '键 2\n"']), async (ours, theirs, lifted) => {
      const expected = [...ours].filter(
        ([key, value]) => theirs.has(key) && theirs.get(key) === value && !lifted.includes(key),
      ).length;
      expect(await countShared(listOf(ours).bytes, listOf(theirs).bytes, new Set(lifted), pace)).toBe(expected);
    }),
  );
});

test("the same changes make the same list, whose name is its SHA-256", () => {
  const list = listOf(
    new Map([
      ["sku-1", '{"price":1}'],
      ["sku-2", undefined],
    ]),
  );
  expect(Buffer.from(list.bytes).toString()).toBe('["sku-2",null]\n["sku-1","ed5e399cb2eb7b49"]\n');
  expect(list.name).toBe("539d8c4dbc69938e59ed1bf53d03c5c514d8b4c0a8194b7a11ec6a40e67973df");
  expect(list.count).toBe(2);
});
