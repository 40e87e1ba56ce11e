import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import type { JsonValue } from "./json-value.ts";
import { createNdjsonReader } from "./ndjson-reader.ts";
import type { ReadItem, ReadLimits } from "./read-item.ts";
import { readWhole } from "./read-whole.testing.ts";

const encoder = new TextEncoder();

const read = (
  bytes: Uint8Array | string,
  limits: Partial<ReadLimits> = {},
  chunkBytes = Number.MAX_SAFE_INTEGER,
): ReadItem[] => readWhole(createNdjsonReader(limits), bytes, chunkBytes);

const problems = (items: readonly ReadItem[]) => items.filter((item) => item.kind === "problem");

test("every line is an item, with the canonical text of its value", () => {
  const key = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom("a", "价", "😀", '"', "\\") });
  fc.assert(
    fc.property(fc.dictionary(key, fc.jsonValue()), (object) => {
      const pairs = Object.entries(object) as [string, JsonValue][];
      const text = pairs.map(([itemKey, value]) => JSON.stringify({ key: itemKey, value })).join("\n");
      expect(read(text)).toEqual(
        pairs.map(([itemKey, value], index) => ({
          kind: "item",
          key: itemKey,
          canonical: canonicalJson(value),
          line: index + 1,
        })),
      );
    }),
  );
});

test("where the chunks are cut makes no difference, for good and bad bytes alike", () => {
  const line = fc.oneof(
    fc
      .tuple(fc.constantFrom("a", "b", "价", ""), fc.json({ maxDepth: 2 }))
      .map(([key, json]) => `{"key":${JSON.stringify(key)},"value":${json}}`),
    fc.constantFrom(
      "",
      "\r",
      "{",
      '{"key":"x","value":1e999}',
      '{"key":"y","value":{"a":1,"a":1}}',
      `"${"z".repeat(200)}"`,
      "😀",
      "\ufeff1",
    ),
  );
  const bytes = fc.oneof(
    fc.array(line).map((lines) => encoder.encode(lines.join("\n"))),
    fc.uint8Array({ maxLength: 60 }),
  );
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 20 }), (all, chunkBytes) => {
      const limits = { lineBytesMax: 150 };
      expect(read(all, limits, chunkBytes)).toEqual(read(all, limits));
    }),
    { numRuns: 500 },
  );
});

test("a byte order mark, CRLF and empty lines are fine, and lines are counted with them", () => {
  const text = '\ufeff{"key":"a","value":1}\r\n\r\n  \n{"value":[2, 3],"key":"b"}\r\n';
  for (const chunkBytes of [1, 2, 1000]) {
    expect(read(text, {}, chunkBytes)).toEqual([
      { kind: "item", key: "a", canonical: "1", line: 1 },
      { kind: "item", key: "b", canonical: "[2,3]", line: 4 },
    ]);
  }
});

test("each bad line is a problem of its own and the good ones are read", () => {
  const lines = [
    '{"key":"good","value":null}',
    '{"key":"cut","value":',
    '{"key":"lossy","value":{"price":[0,12345678901234567890]}}',
    '{"key":"twice","value":{"a":1,"a":2}}',
    '{"key":"deep","value":[[[[1]]]]}',
    "[1]",
    '{"key":"no value"}',
    '{"key":"extra","value":1,"valeu":2}',
    '{"key":7,"value":1}',
    '{"key":"","value":1}',
    '{"key":"tab\\t","value":1}',
    '{"key":"longer than twelve","value":1}',
    '{"key":"big","value":"0123456789012345678901234567890123456789"}',
    '{"key":"good","value":2}',
    '{"key":"mixed","value":{"a":1,"a":2}',
    `{"key":"line","value":"${"x".repeat(200)}"}`,
    '{"key":"last","value":0}',
  ];
  const items = read(lines.join("\n"), { keyBytesMax: 12, valueBytesMax: 40, lineBytesMax: 100, depthMax: 3 });
  expect(items.filter(({ kind }) => kind === "item")).toEqual([
    { kind: "item", key: "good", canonical: "null", line: 1 },
    { kind: "item", key: "last", canonical: "0", line: 17 },
  ]);
  const expected: [number, string, string, (string | undefined)?, string?][] = [
    [2, "INVALID_JSON", "expected a value, came the end of the text, at character 22 of the line"],
    [3, "INVALID_JSON", "came 12345678901234567890, which would be kept as 12345678901234567000", "lossy", "/price/1"],
    [4, "INVALID_JSON", 'came "a" again', "twice", "/a"],
    [5, "INVALID_JSON", "at most 3 levels", "deep", "/0/0/0"],
    [6, "INVALID_ITEM", "came an array"],
    [7, "INVALID_ITEM", 'came an object without "value"', "no value"],
    [8, "INVALID_ITEM", 'came another member "valeu"', "extra"],
    [9, "INVALID_ITEM", "expected a string as key, came a number"],
    [10, "INVALID_ITEM", "came an empty one", ""],
    [11, "INVALID_ITEM", "without control characters", "tab\t"],
    [12, "LIMIT_EXCEEDED", "a key of at most 12 bytes", "longer than twelve"],
    [13, "LIMIT_EXCEEDED", "a value of at most 40 bytes", "big", ""],
    [14, "DUPLICATE_KEY", 'came "good" again after line 1', "good"],
    [15, "INVALID_JSON", 'came "a" again', undefined, "/a"],
    [16, "LIMIT_EXCEEDED", "a line of at most 100 bytes"],
  ];
  expect(problems(items).map(({ line, code, key, path }) => [line, code, key, path])).toEqual(
    expected.map(([line, code, , key, path]) => [line, code, key, path]),
  );
  for (const [index, problem] of problems(items).entries()) expect(problem.reason).toContain(expected[index]?.[2]);
});

test("bytes that are not UTF-8 are a problem of their line", () => {
  const bytes = [...encoder.encode('{"key":"a","value":"'), 0xff, ...encoder.encode('"}\n{"key":"b","value":1}\n')];
  expect(read(Uint8Array.from(bytes))).toEqual([
    { kind: "problem", code: "INVALID_JSON", reason: "expected UTF-8, came other bytes", line: 1 },
    { kind: "item", key: "b", canonical: "1", line: 2 },
  ]);
});

test("a line without an end is not held beyond its limit, and the next line is read", () => {
  const reader = createNdjsonReader({ lineBytesMax: 1000 });
  const chunk = new Uint8Array(64 * 1024).fill(0x78);
  for (let index = 0; index < 1000; index++) expect(reader.push(chunk)).toEqual([]);
  const items = [...reader.push(encoder.encode('\n{"key":"a","value":1}')), ...reader.end()];
  expect(items.map(({ kind, line }) => [kind, line])).toEqual([
    ["problem", 1],
    ["item", 2],
  ]);
});
