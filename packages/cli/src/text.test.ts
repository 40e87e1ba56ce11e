import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesText, cleaned, cutTo, escapeControls, jsonText, widthOf, wrapTo } from "./text.ts";

const obeyed = /[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

test("an escape sequence in a foreign text is shown, not obeyed", () => {
  expect(escapeControls("\u001b]0;owned\u0007 \u001b[2J")).toBe("\\u001b]0;owned\\u0007 \\u001b[2J");
  expect(escapeControls("a\u009b31mb\r\nc\u202ed")).toBe("a\\u009b31mb\\u000d\\u000ac\\u202ed");
});

test("nothing that a terminal obeys survives, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(escapeControls(text)).not.toMatch(obeyed);
      expect(jsonText({ [text]: text })).not.toMatch(obeyed);
    }),
  );
});

test("JSON that is safe to show parses to the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("names and values are cleaned at every depth", () => {
  expect(cleaned({ "a\u0007": [{ b: "c\u001b" }, 1, null, true] })).toEqual({
    "a\\u0007": [{ b: "c\\u001b" }, 1, null, true],
  });
});

test("Chinese and other languages are left as they are", () => {
  expect(escapeControls("价格 größe 👩‍🚀")).toBe("价格 größe 👩‍🚀");
  expect(widthOf("价格 ab")).toBe(7);
});

test("a text is cut to a width of columns, not of characters", () => {
  expect(cutTo("价格价格", 8)).toBe("价格价格");
  expect(cutTo("价格价格", 7)).toBe("价格价…");
  expect(cutTo("abcdef", 4)).toBe("abc…");
});

test("wrapped lines fit and lose nothing but what is cut at the end", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "b", " ", "价"), maxLength: 200 }), (text) => {
      const lines = wrapTo(text, 20, 100);
      expect(lines.every((line) => widthOf(line) <= 20)).toBe(true);
      expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
    }),
  );
  expect(wrapTo("one two three four five", 9, 2)).toEqual(["one two", "three fo…"]);
});

test("bytes read in steps of a thousand", () => {
  expect([0, 999, 1_000, 12_345_678, 999_960, 16e9, 5e15].map(bytesText)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "12.3 MB",
    "1.0 MB",
    "16.0 GB",
    "5000.0 TB",
  ]);
});
