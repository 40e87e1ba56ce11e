import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { isJsonObject, type JsonValue } from "./json-value.ts";
import { createPlainReader, type PlainReader } from "./plain-item.ts";
import { defaultReadLimits, keyProblem, sizeProblem } from "./read-item.ts";
import { readStrictJson } from "./strict-json.ts";
import { decodeUtf8 } from "./utf8.ts";

const limits = { ...defaultReadLimits, keyBytesMax: 24, valueBytesMax: 200, depthMax: 4 };

/** What the fast way reads of a line; undefined where it leaves it to the strict one. */
function plain(
  line: Uint8Array,
  reader: PlainReader = createPlainReader(limits),
): { key: string; canonical: string } | undefined {
  // Among other bytes, which are none of its business.
  const around = Uint8Array.from([0x22, 0x7d, ...line, 0x0a, 0x31]);
  if (!reader.read(around, 2, 2 + line.length)) return undefined;
  const text = (start: number, end: number): string => decodeUtf8(reader.bytes.subarray(start, end)) ?? "no UTF-8";
  return { key: text(0, reader.keyEnd), canonical: text(reader.keyEnd, reader.end) };
}

/** What the strict way reads of it; undefined where it is refused. */
function strict(line: Uint8Array): { key: string; canonical: string } | undefined {
  const text = decodeUtf8(line);
  const result = text === undefined ? undefined : readStrictJson(text, limits.depthMax + 1);
  if (result === undefined || result.fault !== undefined || !isJsonObject(result.value)) return undefined;
  if (Object.keys(result.value).toSorted().join() !== "key,value") return undefined;
  const { key, value } = result.value as { key: JsonValue; value: JsonValue };
  if (keyProblem(key, 1, limits) !== undefined) return undefined;
  const canonical = canonicalJson(value);
  return sizeProblem(key as string, canonical, 1, limits) === undefined ? { key: key as string, canonical } : undefined;
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

const space = fc.constantFrom("", "", "", " ", "\t", "\r", "  ");

const number = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
  fc.integer().map(String),
  fc.stringMatching(/^-?(0|[1-9]\d{0,17})(\.\d{0,18})?([eE][+-]?\d{0,3})?$/),
  fc.constantFrom(
    "-0",
    "-0.0",
    "0.0",
    "1.50",
    "100",
    "1.0",
    "0.000001",
    "0.0000001",
    "-0.5",
    "1e2",
    "1E400",
    "01",
    ".",
  ),
  fc.constantFrom("9007199254740993", "123456789012345", "1234567890123456", "0.1000000000000000055", "1e21", "-"),
);

const string = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"a"', '"a b"', '"a!"', '"é"', '"价"', '"😀"', '"\ue000"', '"\u007f"', '"\u0085"', '"\u2028"', '""'),
  fc.constantFrom(
    String.raw`"\/"`,
    String.raw`"\n\t\"\\"`,
    String.raw`"\u00e9"`,
    String.raw`"\ud800"`,
    '"\u0001"',
    '"',
  ),
  fc.constantFrom('"__proto__"', '"constructor"', '"10"', '"9"', '"a"', '"b"', '"c"'),
);

const { value: json } = fc.letrec<{ value: string; member: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "medium", maxDepth: 6 },
    number,
    string,
    fc.constantFrom("true", "false", "null", "tru", "nul", ""),
    spaced(fc.array(tie("value"), { maxLength: 4 }), "[", "]"),
    spaced(fc.array(tie("member"), { maxLength: 6 }), "{", "}"),
  ),
  member: fc
    .tuple(string, space, space, tie("value"))
    .map(([key, before, after, value]) => `${key}${before}:${after}${value}`),
}));

function spaced(values: fc.Arbitrary<string[]>, open: string, close: string): fc.Arbitrary<string> {
  return fc.tuple(values, space, space).map(([texts, a, b]) => `${open}${a}${texts.join(`${b},${a}`)}${b}${close}`);
}

const line = fc
  .tuple(space, fc.oneof(string, json), json, fc.constantFrom("", "", "", '"x":1,', ","), space)
  .map(([a, key, value, other, b]) => `${a}{${b}"key"${a}:${b}${key},${other}${a}"value":${value}${b}}${a}`);

test("whatever a line says, the fast way reads what the strict one does, or leaves it to that", () => {
  let taken = 0;
  // One for all: what it remembers of a line must not show in the next.
  const reader = createPlainReader(limits);
  fc.assert(
    fc.property(line, (text) => {
      const read = plain(bytesOf(text), reader);
      if (read === undefined) return;
      taken++;
      expect(read).toEqual(strict(bytesOf(text)));
    }),
    { numRuns: 4_000 },
  );
  expect(taken).toBeGreaterThan(400);
});

test("whatever the bytes are, a changed line is read as the strict way reads it, or left to that", () => {
  const change = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 3 }));
  fc.assert(
    fc.property(line, fc.array(change, { minLength: 1, maxLength: 3 }), (text, changes) => {
      let bytes = bytesOf(text);
      for (const [at, cut, put] of changes) {
        const index = at % (bytes.length + 1);
        bytes = Uint8Array.from([...bytes.subarray(0, index), ...put, ...bytes.subarray(index + cut)]);
      }
      // A line's end is none of a line.
      bytes = bytes.filter((byte) => byte !== 0x0a);
      const read = plain(bytes);
      expect(read).toEqual(read === undefined ? undefined : strict(bytes));
    }),
    { numRuns: 2_000 },
  );
});

test("bytes that are no UTF-8 are left to the strict way", () => {
  const bad = [
    [0x80],
    [0xc0, 0x80],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf5, 0x80],
    [0xe4, 0xbb],
  ];
  for (const bytes of bad) {
    expect(plain(Uint8Array.from([...bytesOf('{"key":"a","value":"'), ...bytes, ...bytesOf('"}')]))).toBeUndefined();
    expect(plain(Uint8Array.from([...bytesOf('{"key":"'), ...bytes, ...bytesOf('","value":1}')]))).toBeUndefined();
  }
});

test.each([
  [
    '{"key":"sku-1","value":[0.09,0.000001,0.0000010,0.00000010,0.000,-0.010]}',
    "[0.09,0.000001,0.000001,1e-7,0,-0.01]",
  ],
  ['{"key":"sku-1","value":{"price":12.50,"currency":"CNY"}}', '{"currency":"CNY","price":12.5}'],
  ['{ "key": "sku-1", "value": { "tags": [ 1, 2 ], "": null } }\r', '{"":null,"tags":[1,2]}'],
  [
    '{"key":"sku-1","value":{"b":{"z":1,"a":[{"d":1,"c":2}]},"a b":1,"a":0,"a!":2}}',
    '{"a":0,"a b":1,"a!":2,"b":{"a":[{"c":2,"d":1}],"z":1}}',
  ],
  ['{"key":"sku-1","value":"茶\\n \\"绿\\" a\\/b"}', '"茶\\n \\"绿\\" a/b"'],
  ['{"key":"sku-1","value":{"__proto__":1,"10":2,"9":3}}', '{"10":2,"9":3,"__proto__":1}'],
  [
    '{"key":"sku-1","value":[0.1,-0.5,1e2,-0,1.0,0.30000000000000004,100]}',
    "[0.1,-0.5,100,0,1,0.30000000000000004,100]",
  ],
])("%s is plain", (text, canonical) => {
  expect(plain(bytesOf(text))).toEqual({ key: "sku-1", canonical });
});

const lineOf = (members: readonly string[]): Uint8Array => bytesOf(`{"key":"a","value":{${members.join(",")}}}`);

test("objects whose members come in another order each time are sorted each time, and a repeated member is found", () => {
  const names = fc.shuffledSubarray(["a", "b", "c", "d", "e", "f"], { minLength: 2 });
  const reader = createPlainReader(limits);
  fc.assert(
    fc.property(fc.array(names, { minLength: 2, maxLength: 6 }), fc.boolean(), (orders, repeat) => {
      for (const order of orders) {
        const members = order.map((name) => `"${name}":${order.indexOf(name)}`);
        const read = plain(lineOf(repeat ? [...members, members[0] as string] : members), reader);
        const sorted = order.toSorted().map((name) => `"${name}":${order.indexOf(name)}`);
        expect(read?.canonical).toBe(repeat ? undefined : `{${sorted.join(",")}}`);
      }
    }),
  );
});

test("objects of more members than are sorted here are read where they are sorted already", () => {
  const names = Array.from({ length: 200 }, (_, index) => `"m${index + 100}":${index}`);
  const wide = createPlainReader({ ...limits, valueBytesMax: 10_000 });
  expect(plain(lineOf(names), wide)?.canonical).toBe(`{${names.join(",")}}`);
  expect(plain(lineOf(names.toReversed()), wide)).toBeUndefined();
  const fewer = names.slice(0, 64);
  expect(plain(lineOf(fewer.toReversed()), wide)?.canonical).toBe(`{${fewer.join(",")}}`);
});
