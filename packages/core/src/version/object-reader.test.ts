import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import type { JsonValue } from "./json-value.ts";
import { createObjectReader } from "./object-reader.ts";
import type { ReadItem, ReadLimits } from "./read-item.ts";
import { readWhole } from "./read-whole.testing.ts";

const encoder = new TextEncoder();

const read = (
  bytes: Uint8Array | string,
  limits: Partial<ReadLimits> = {},
  chunkBytes = Number.MAX_SAFE_INTEGER,
): ReadItem[] => readWhole(createObjectReader(limits), bytes, chunkBytes);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The one problem that ended the reading, after the items before it. */
function fatal(text: string, limits: Partial<ReadLimits> = {}): string {
  const items = read(text, limits);
  expect(items.filter(({ kind }) => kind === "problem")).toHaveLength(1);
  const last = items.at(-1);
  return last?.kind === "problem" ? `${last.code} line ${last.line}: ${last.reason}` : "no problem";
}

test("every member is an item, however the object is laid out", () => {
  const key = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom("a", "价", "😀", '"', "\\", "{") });
  const indent = fc.constantFrom(undefined, 2, "\t");
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.jsonValue()),
      indent,
      fc.integer({ min: 1, max: 50 }),
      (object, space, chunkBytes) => {
        const items = read(`\ufeff${JSON.stringify(object, undefined, space)} \r\n`, {}, chunkBytes);
        expect(items.map((item) => (item.kind === "item" ? [item.key, item.canonical] : item))).toEqual(
          Object.entries(object).map(([itemKey, value]) => [itemKey, canonicalJson(value as JsonValue)]),
        );
      },
    ),
  );
});

test("where the chunks are cut makes no difference, for good and bad bytes alike", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "\\",
    '"a"',
    '"b":',
    "1",
    "-",
    "true",
    " ",
    "\n",
    "价",
    "\ufeff",
    '{"a":1,"a":1}',
    "1e999",
  );
  const member = fc
    .tuple(fc.constantFrom("a", "b", "价"), fc.json({ maxDepth: 2 }))
    .map(([key, json]) => `"${key}":${json}`);
  const bytes = fc.oneof(
    fc.array(piece, { maxLength: 20 }).map((pieces) => encoder.encode(`{${pieces.join("")}`)),
    fc
      .tuple(fc.array(member), fc.nat(2))
      .map(([members, cut]) => encoder.encode(`{${members.join(", ")}}`.slice(0, cut === 0 ? undefined : -cut))),
    fc.uint8Array({ maxLength: 60 }),
  );
  fc.assert(
    fc.property(
      bytes,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 80 }),
      (all, chunkBytes, objectBytesMax) => {
        const limits = { lineBytesMax: 30, keyBytesMax: 4, objectBytesMax };
        expect(read(all, limits, chunkBytes)).toEqual(read(all, limits));
      },
    ),
    { numRuns: 1000 },
  );
});

test("an object that JSON.parse refuses always ends in a problem", () => {
  const edit = fc.tuple(fc.nat(), fc.constantFrom("", "{", "}", '"', ",", ":", "x", "\\", "]"), fc.nat(2));
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("a", "b", "c"), fc.jsonValue({ maxDepth: 2 })),
      edit,
      (object, [at, piece, cut]) => {
        const text = JSON.stringify(object);
        const index = at % (text.length + 1);
        const edited = text.slice(0, index) + piece + text.slice(index + cut);
        const problems = read(edited).filter(({ kind }) => kind === "problem");
        expect(problems.length > 0 || isJson(edited)).toBe(true);
      },
    ),
    { numRuns: 1000 },
  );
});

test("faults of values are problems with key, path and line, and the rest is read", () => {
  const text = `{
    "good": {"b": 2, "a": 1},
    "lossy": {"price": 0.1000000000000000055},
    "twice": [{"a": 1, "a": 2}],
    "good": 3,
    "big": "0123456789012345678901234567890123456789",
    "as written": [1,                                                           2],
    "deep": [[[[1]]]],
    "a key that is far too long for this limit, so that it is not even held until its end comes": {"x": "}"},
    "half \\ud800": 1,
    "last": "\\u4ef7"
  }`;
  const items = read(text, { keyBytesMax: 12, valueBytesMax: 40, lineBytesMax: 60, depthMax: 3 });
  expect(
    items.map((item) =>
      item.kind === "item" ? [item.line, item.key, item.canonical] : [item.line, item.code, item.key, item.path],
    ),
  ).toEqual([
    [2, "good", '{"a":1,"b":2}'],
    [3, "INVALID_JSON", "lossy", "/price"],
    [4, "INVALID_JSON", "twice", "/0/a"],
    [5, "DUPLICATE_KEY", "good", undefined],
    [6, "LIMIT_EXCEEDED", "big", ""],
    [7, "LIMIT_EXCEEDED", "as written", ""],
    [8, "INVALID_JSON", "deep", "/0/0/0"],
    [9, "LIMIT_EXCEEDED", undefined, undefined],
    [10, "INVALID_JSON", undefined, undefined],
    [11, "last", '"价"'],
  ]);
});

test("bytes that are not UTF-8 are a problem of their value", () => {
  const bytes = [...encoder.encode('{"a":"'), 0xff, ...encoder.encode('","b":1}')];
  expect(read(Uint8Array.from(bytes))).toEqual([
    { kind: "problem", code: "INVALID_JSON", reason: "expected UTF-8, came other bytes", line: 1, key: "a", path: "" },
    { kind: "item", key: "b", canonical: "1", line: 1 },
  ]);
});

test("after a fault of syntax there is one problem and nothing more", () => {
  expect(fatal("[1]")).toBe('INVALID_JSON line 1: expected an object "{", came "[", at byte 0');
  expect(fatal('{"a":1,\n"b":[1}],"c":2}')).toBe(
    'INVALID_JSON line 2: expected "," or "]", came "}", at character 3 of the value',
  );
  expect(fatal('{"a":tru,"b":1}')).toBe('INVALID_JSON line 1: expected true, came "tru", at character 1 of the value');
  expect(fatal('{"a":1,}')).toBe('INVALID_JSON line 1: expected a key in double quotes, came "}", at byte 7');
  expect(fatal('{"a" 1}')).toBe('INVALID_JSON line 1: expected ":", came "1", at byte 5');
  expect(fatal('{"a":}')).toBe('INVALID_JSON line 1: expected a value, came "}", at byte 5');
  expect(fatal('{"a":1 2}')).toBe('INVALID_JSON line 1: expected "," or "}", came "2", at byte 7');
  expect(fatal('{"a\\x":1}')).toContain("expected an escape");
});

test("bytes after the object and a truncated object are refused", () => {
  expect(fatal('{"a":1}\n{"b":2}')).toBe('INVALID_JSON line 2: expected the end of the file, came "{", at byte 8');
  const text = '{"a":{"b":[1,"x"]},"c":12}';
  for (let length = 0; length < text.length; length++) {
    expect(fatal(text.slice(0, length))).toContain("came the end of the file");
  }
});

test("an object of more bytes than the limit is refused, whatever it holds", () => {
  const text = '{"a":1,"b":2}';
  expect(read(text, { objectBytesMax: text.length })).toHaveLength(2);
  expect(fatal(text, { objectBytesMax: text.length - 1 })).toContain(
    "LIMIT_EXCEEDED line 1: expected an object of at most 12 bytes",
  );
  expect(fatal(`${text} `, { objectBytesMax: text.length })).toContain("LIMIT_EXCEEDED");
});

test("an empty object has no items", () => {
  expect(read(" { } ")).toEqual([]);
});

test("after the end nothing is given out", () => {
  const reader = createObjectReader();
  reader.push(encoder.encode('{"a":1}'));
  expect([reader.end(), reader.push(encoder.encode('{"b":1}')), reader.end()]).toEqual([[], [], []]);
});
