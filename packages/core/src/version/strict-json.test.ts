import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import type { JsonValue } from "./json-value.ts";
import { type JsonFaultKind, parseStrictJson, readStrictJson } from "./strict-json.ts";

function nativelyParsed(text: string): { value: JsonValue } | undefined {
  try {
    return { value: JSON.parse(text) as JsonValue };
  } catch {
    return undefined;
  }
}

/** JSON texts with a few characters deleted, doubled or replaced. */
const brokenText = fc
  .tuple(
    fc.json({ maxDepth: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom("", "0", '"', "\\", "{", "]", ",", "e", "\n", "-", ".", "u"))),
  )
  .map(([text, edits]) =>
    edits.reduce((edited, [at, piece]) => {
      const index = at % (edited.length + 1);
      return edited.slice(0, index) + piece + edited.slice(index + 1);
    }, text),
  );

test("what it accepts it reads as JSON.parse does, and what JSON.parse refuses it refuses", () => {
  fc.assert(
    fc.property(brokenText, (text) => {
      const native = nativelyParsed(text);
      const strict = readStrictJson(text, 64);
      if (strict.fault === undefined)
        expect(canonicalJson(strict.value)).toBe(canonicalJson(native?.value as JsonValue));
      // A fault of another kind may stand before one of syntax.
      else if (strict.fault.kind === "syntax") expect(native).toBeUndefined();
      else expect(strict.fault.reason).toContain("expected");
    }),
    { numRuns: 2000 },
  );
});

test("every double survives in every form that has enough digits", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      const normal = number === 0 ? 0 : number;
      expect(parseStrictJson(String(number))).toBe(normal);
      expect(parseStrictJson(number.toExponential())).toBe(normal);
    }),
  );
});

test("fifteen significant digits always survive, however they are written", () => {
  fc.assert(
    fc.property(
      fc.bigInt(1n, 999_999_999_999_999n),
      fc.integer({ min: -200, max: 200 }),
      fc.nat(20),
      (digits, exponent, zeros) => {
        const text = `${digits}.${"0".repeat(zeros + 1)}e${exponent}`;
        expect(readStrictJson(text, 64).fault).toBeUndefined();
      },
    ),
  );
});

test("numbers that a double would round are refused, others are not", () => {
  const fine = [
    "1.0",
    "1e2",
    "100",
    "0.1",
    "-0",
    "0e999999",
    "1.50",
    "9007199254740992",
    "1E+2",
    "123456789012345680000",
  ];
  const lossy = [
    "12345678901234567890",
    "0.1000000000000000055",
    "9007199254740993",
    "1e400",
    "-1e400",
    "1e-400",
    "0.30000000000000001",
  ];
  for (const text of fine) expect(parseStrictJson(text)).toBe(Number(text) === 0 ? 0 : Number(text));
  for (const text of lossy) {
    expect(() => parseStrictJson(`{"a":[0,${text}]}`)).toThrow(
      expect.objectContaining({
        code: "INVALID_JSON",
        details: { kind: "lossyNumber", path: "/a/1", position: 8 },
      }),
    );
  }
});

test("a million zeros in a number cost no more than their length", () => {
  const zeros = "0".repeat(1_000_000);
  expect(parseStrictJson(`1${zeros}e-1000000`)).toBe(1);
  expect(parseStrictJson(`0.${zeros}1e1000001`)).toBe(1);
  expect(readStrictJson(`0.1${zeros}1`, 64).fault?.kind).toBe("lossyNumber");
});

test("each fault is named with its path and place", () => {
  const faults: [string, JsonFaultKind, string, number, string][] = [
    ['{"a":1,"a":2}', "repeatedKey", "/a", 7, 'expected each key once, came "a" again'],
    ['[{"x/y":{"b":1,"b":1}}]', "repeatedKey", "/0/x~1y/b", 15, 'came "b" again'],
    ['{"a":1,"\\u0061":2}', "repeatedKey", "/a", 7, "again"],
    ['{"__proto__":1,"__proto__":2}', "repeatedKey", "/__proto__", 15, "again"],
    ['["\\ud800"]', "loneSurrogate", "/0", 1, "lone surrogate"],
    ['["\ud800"]', "loneSurrogate", "/0", 1, "lone surrogate"],
    ["[[[[1]]]]", "tooDeep", "/0/0/0", 3, "at most 3 levels"],
    ['{"a":tru}', "syntax", "/a", 5, 'expected true, came "tru"'],
    ['{"a":1', "syntax", "", 6, 'expected "," or "}", came the end of the text'],
    ["[1,]", "syntax", "/1", 3, 'expected a value, came "]"'],
    ["01", "syntax", "", 1, 'expected the end of the text, came "1"'],
    ["1.", "syntax", "", 2, "expected a digit, came the end"],
    ['"a\nb"', "syntax", "", 2, String.raw`expected a control character as an escape such as \n, came "\n"`],
    ['{"a":"b', "syntax", "/a", 7, "expected the closing quote of a string, came the end of the text"],
    ["not", "syntax", "", 0, 'expected null, came "not"'],
    ['"\\x"', "syntax", "", 0, "expected an escape"],
    ["", "syntax", "", 0, "expected a value, came the end of the text"],
    ["\ufeff1", "syntax", "", 0, "expected a value"],
  ];
  for (const [text, kind, path, position, reason] of faults) {
    const result = readStrictJson(text, 3);
    expect(result.fault).toMatchObject({ kind, path, position, reason: expect.stringContaining(reason) as string });
  }
});

test("the message of a refusal says what was expected, what came and where", () => {
  expect(() => parseStrictJson('{"price":[1,}')).toThrow('expected a value, came "}", at character 13 in /price/1');
});

test("__proto__ is a member like any other", () => {
  const value = parseStrictJson('{"__proto__":{"polluted":true}}') as Record<string, JsonValue>;
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Object.hasOwn(value, "__proto__")).toBe(true);
  expect(canonicalJson(value)).toBe('{"__proto__":{"polluted":true}}');
});

test("a text of a hundred thousand brackets is refused, not a stack overflow", () => {
  expect(readStrictJson("[".repeat(100_000), 64).fault?.kind).toBe("tooDeep");
});
