import fc from "fast-check";
import { expect, test } from "vitest";
import { createKeySet } from "./key-set.ts";

test("a key set answers as a map of first lines", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.nat(500).map(String)), { maxLength: 2000, size: "max" }), (keys) => {
      const set = createKeySet();
      const first = new Map<string, number>();
      for (const [index, key] of keys.entries()) {
        expect(set.add(key, index + 1)).toBe(first.get(key) ?? 0);
        if (!first.has(key)) first.set(key, index + 1);
      }
    }),
    { numRuns: 20 },
  );
});

test("a hundred thousand keys are all told apart and all found again", () => {
  const set = createKeySet();
  const wrong: string[] = [];
  for (let index = 1; index <= 100_000; index++) if (set.add(`sku-${index}`, index) !== 0) wrong.push(`new ${index}`);
  for (let index = 1; index <= 100_000; index++) if (set.add(`sku-${index}`, 1) !== index) wrong.push(`again ${index}`);
  expect(wrong).toEqual([]);
});
