import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import type { JsonValue } from "./json-value.ts";
import { applyMergePatch } from "./merge-patch.ts";

test("the cases of RFC 7396 come out as it says", () => {
  const cases: [JsonValue, JsonValue, JsonValue][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of cases) expect(applyMergePatch(target, patch)).toEqual(result);
});

test("an item that does not exist yet is made of the patch without its nulls", () => {
  expect(applyMergePatch(undefined, { a: 1, b: null, c: { d: null } })).toEqual({ a: 1, c: {} });
});

test("a patch applied twice is a patch applied once, and changes neither argument", () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => value as JsonValue);
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const [before, asked] = [canonicalJson(target), canonicalJson(patch)];
      const once = applyMergePatch(target, patch);
      expect(applyMergePatch(once, patch)).toEqual(once);
      expect([canonicalJson(target), canonicalJson(patch)]).toEqual([before, asked]);
    }),
  );
});

test("__proto__ is a member like any other", () => {
  const patch = JSON.parse('{"__proto__":{"polluted":true}}') as JsonValue;
  const result = applyMergePatch({ a: 1 }, patch);
  expect(canonicalJson(result)).toBe('{"__proto__":{"polluted":true},"a":1}');
  expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
});
