import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, jsonDepthMax } from "./canonical-json.ts";
import type { JsonValue } from "./json-value.ts";
import { parseStrictJson } from "./strict-json.ts";

const nested = (depth: number): JsonValue => (depth === 0 ? 1 : [nested(depth - 1)]);

test("a canonical text is read back as the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as JsonValue);
      expect(canonicalJson(parseStrictJson(text))).toBe(text);
      // JSON knows no -0.
      expect(parseStrictJson(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("the order in which members were set makes no difference", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), (object) => {
      const reversed = Object.fromEntries(Object.entries(object).toReversed());
      expect(canonicalJson(reversed)).toBe(canonicalJson(object));
    }),
  );
});

test("numbers are written as RFC 8785 writes them", () => {
  const texts: [number, string][] = [
    [0, "0"],
    [-0, "0"],
    [5e-324, "5e-324"],
    [-1.7976931348623157e308, "-1.7976931348623157e+308"],
    [9007199254740992, "9007199254740992"],
    [1e21, "1e+21"],
    [999999999999999900000, "999999999999999900000"],
    [333333333.3333333, "333333333.3333333"],
    [0.000001, "0.000001"],
    [1e-7, "1e-7"],
  ];
  for (const [number, text] of texts) expect(canonicalJson(number)).toBe(text);
});

test("members are sorted by UTF-16 code units and strings keep what needs no escape", () => {
  const value = { "€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, ö: 7 };
  expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  expect(canonicalJson('€$\u000f\nA\'B"\\"/')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\"/"');
});

test("what has no canonical form is refused with its path", () => {
  const refusals: [unknown, string][] = [
    [{ a: [1, Number.NaN] }, "/a/1"],
    [{ a: { "b/c": Number.POSITIVE_INFINITY } }, "/a/b~1c"],
    [["\ud800"], "/0"],
    [{ "\udc00": 1 }, "/\udc00"],
    [{ a: undefined }, "/a"],
    [() => 1, ""],
  ];
  for (const [value, path] of refusals) {
    expect(() => canonicalJson(value as JsonValue)).toThrow(
      expect.objectContaining({ code: "INVALID_JSON", details: { path } }),
    );
  }
});

test("64 levels of nesting are the most", () => {
  expect(canonicalJson(nested(jsonDepthMax))).toBe(`${"[".repeat(64)}1${"]".repeat(64)}`);
  expect(() => canonicalJson(nested(jsonDepthMax + 1))).toThrow(expect.objectContaining({ code: "INVALID_JSON" }));
});
