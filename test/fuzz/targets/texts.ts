import { isDeepStrictEqual } from "node:util";
import {
  applyMergePatch,
  canonicalJson,
  createNdjsonReader,
  createObjectReader,
  isSluiceError,
  type ItemReader,
  type JsonValue,
  keyFault,
  parseStrictJson,
  type ReadItem,
} from "@sluice/core";
import type { Random } from "../../simulation/random.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import { chunksOf, mayRefuse, type Target } from "../target.ts";
import { readLinesPlainly } from "../plain-ndjson.ts";

const limits = { keyBytesMax: 40, valueBytesMax: 300, lineBytesMax: 500, depthMax: 6, objectBytesMax: 4_000 };
const codes = new Set(["INVALID_JSON", "INVALID_ITEM", "DUPLICATE_KEY", "LIMIT_EXCEEDED"]);

const values: readonly JsonValue[] = [
  { price: 19.9, currency: "CNY" },
  { name: '手机 "X"', tags: ["new", null, true], stock: 0, deep: { b: 1, a: { c: [] } } },
  -1.5,
  "text \u2028 😀",
  [1e21, 1e-7, 0.1, 123_456_789_012_345],
  null,
  { __proto__x: 1, "": 2, é: 3, "\u0001": 4 },
];

/** Readers of uploads, and of JSON texts. */
export function createTextTargets(): readonly Target[] {
  return [ndjsonTarget(), objectTarget(), canonicalTarget()];
}

function ndjsonTarget(): Target {
  const seeds = [
    values.map((value, index) => `${JSON.stringify({ key: `sku-${index}`, value })}\n`).join(""),
    values
      .map((value, index) => `  ${JSON.stringify({ value, key: `商-${index}` }, null, 1).replaceAll("\n", " ")}\r\n`)
      .join("\n"),
    `\ufeff{"key":"a","value":1}\n{"key":"a","value":2}\n{"key":"\\u0061","value":3}`,
    `{"key":"long","value":"${"x".repeat(290)}"}\n{"key":"b","value":[[[[[[1]]]]]]}\n`,
  ].map((text) => Buffer.from(text));
  return {
    name: "ndjson",
    weight: 20,
    input: (random) => (random.chance(0.02) ? random.pick(seeds) : mutateBytes(random, random.pick(seeds), seeds)),
    take(input) {
      const chunked = readAll(createNdjsonReader(limits), chunksOf(input));
      const whole = readAll(createNdjsonReader(limits), [input]);
      if (!isDeepStrictEqual(chunked, whole)) throw new Error("the answer depends on where the chunks are cut");
      for (const item of whole) checkItem(item);
      const plain = readLinesPlainly(input, limits);
      const short = whole.map((item) =>
        item.kind === "item" ? [item.line, item.key, item.canonical] : [item.line, item.code],
      );
      if (!isDeepStrictEqual(short, plain)) {
        throw new Error(`expected ${JSON.stringify(plain)}, came ${JSON.stringify(short)}`);
      }
    },
    bytesMax: (inputBytes) => 2_000_000 + 64 * inputBytes,
  };
}

function objectTarget(): Target {
  const object = Object.fromEntries(values.map((value, index) => [`sku-${index}`, value]));
  const seeds = [
    JSON.stringify(object),
    `\ufeff ${JSON.stringify(object, null, 2)}\r\n`,
    '{"a":1,"a":2,"\\u0061":3,"":4}',
    `{"long":"${"x".repeat(299)}","b":[[[[[[1]]]]]]}`,
    "{}",
  ].map((text) => Buffer.from(text));
  return {
    name: "object",
    weight: 20,
    input: (random) => (random.chance(0.02) ? random.pick(seeds) : mutateBytes(random, random.pick(seeds), seeds)),
    take(input) {
      const chunked = readAll(createObjectReader(limits), chunksOf(input));
      const whole = readAll(createObjectReader(limits), [input]);
      if (!isDeepStrictEqual(chunked, whole)) throw new Error("the answer depends on where the chunks are cut");
      for (const item of whole) checkItem(item);
    },
    bytesMax: (inputBytes) => 2_000_000 + 64 * inputBytes,
  };
}

function canonicalTarget(): Target {
  const seeds = values.map((value) => Buffer.from(JSON.stringify(value, null, 1)));
  return {
    name: "canonical",
    weight: 10,
    input: (random) => (random.chance(0.5) ? jsonInput(random) : mutateBytes(random, random.pick(seeds), seeds)),
    take(input) {
      const text = Buffer.from(input).toString("utf8");
      let value: JsonValue;
      try {
        value = parseStrictJson(text);
      } catch (error) {
        mayRefuse(error, (its) => isSluiceError(its, "INVALID_JSON"));
        return;
      }
      const canonical = canonicalJson(value);
      if (canonicalJson(parseStrictJson(canonical)) !== canonical) throw new Error(`${canonical} is not canonical`);
      // What was accepted says the same to a parser that swallows more.
      if (canonicalJson(JSON.parse(text) as JsonValue) !== canonical) throw new Error("parsed as something else");
      for (const patch of values) canonicalJson(applyMergePatch(value, patch));
      for (const target of values) canonicalJson(applyMergePatch(target, value));
    },
    bytesMax: (inputBytes) => 1_000_000 + 64 * inputBytes,
  };
}

function jsonInput(random: Random): Uint8Array {
  return Buffer.from(JSON.stringify(mutateJson(random, random.pick(values))));
}

function readAll(reader: ItemReader, chunks: readonly Uint8Array[]): ReadItem[] {
  const items = chunks.flatMap((chunk) => reader.push(Uint8Array.from(chunk)));
  return [...items, ...reader.end()];
}

function checkItem(item: ReadItem): void {
  if (item.kind === "problem") {
    if (!codes.has(item.code)) throw new Error(`a problem of code ${item.code}`);
    if (item.reason === "" || item.line < 1) throw new Error("a problem that says nothing");
    return;
  }
  if (keyFault(item.key, limits.keyBytesMax) !== undefined) throw new Error("a key that is none");
  if (canonicalJson(parseStrictJson(item.canonical)) !== item.canonical)
    throw new Error("a value that is not canonical");
  if (Buffer.byteLength(item.canonical) > limits.valueBytesMax) throw new Error("a value past its limit");
}
