import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import type { JsonValue } from "./json-value.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { reapplied } from "./reapply.ts";

const jsonArbitrary = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;
const text = (value: JsonValue | undefined): string | undefined =>
  value === undefined ? undefined : canonicalJson(value);

test("a patched price is taken over, and the taxes that a taken-back file broke are not", () => {
  const good = { price: 100, tax: { rate: 0.13, code: "A" }, tags: ["new"] };
  const broken = { price: 100, tax: { rate: 13, code: "A" } };
  expect(reapplied(broken, { ...broken, price: 90 }, good)).toEqual({ ...good, price: 90 });
  const nested = { ...broken, tax: { rate: 13, code: "B" } };
  expect(reapplied(broken, nested, good)).toEqual({ ...good, tax: { rate: 0.13, code: "B" } });
  expect(reapplied(broken, { price: 100 }, good)).toEqual({ price: 100, tags: ["new"] });
});

test("an item that a change made is made, one that it removed is removed, and no part of an item comes alone", () => {
  expect(reapplied(undefined, { price: 1 }, undefined)).toEqual({ price: 1 });
  expect(reapplied({ price: 1 }, undefined, { price: 2 })).toBeUndefined();
  expect(reapplied({ price: 1 }, { price: 2 }, undefined)).toBeUndefined();
});

test("a member that is null is a value like any other", () => {
  expect(reapplied({ a: 1 }, { a: null }, { a: 2, b: null })).toEqual({ a: null, b: null });
  expect(reapplied({ a: null }, {}, { a: null, b: 1 })).toEqual({ b: 1 });
});

test("on the value that it was made of, a change makes what it made; no change changes nothing", () => {
  fc.assert(
    fc.property(jsonArbitrary, jsonArbitrary, jsonArbitrary, (before, after, onto) => {
      expect(text(reapplied(before, after, before))).toBe(text(after));
      expect(text(reapplied(before, before, onto))).toBe(text(onto));
    }),
  );
});

test("a merge patch that sets what was otherwise everywhere is repeated as itself", () => {
  const member = fc.constantFrom("a", "b", "c");
  const old = fc.dictionary(member, fc.integer({ min: 0, max: 9 }));
  const patch = fc.dictionary(member, fc.integer({ min: 10, max: 19 }));
  fc.assert(
    fc.property(old, old, patch, (before, onto, merge) => {
      const after = applyMergePatch(before, merge);
      expect(text(reapplied(before, after, onto))).toBe(text(applyMergePatch(onto, merge)));
    }),
  );
});
