import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  armOf,
  bucketOf,
  canonicalJson,
  createNdjsonReader,
  createObjectReader,
  isSluiceError,
  type ItemReader,
  type JsonValue,
  parseStrictJson,
  type ReadItem,
} from "@sluice/core";
import type { Frame } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createFrameReader } from "../../packages/replica/src/frame-stream.ts";
import { encodeFrame } from "../../sidecar/src/followers/encode.ts";
import {
  afterDelta,
  bucket,
  type DocumentContent,
  itemHash,
  keyHash,
  lookUp,
  readFile,
  sumOf,
  sumOfBase,
} from "./document-reader.ts";

function vectors(path: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../../packages/core/src", path), "utf8"));
}

const bytesOf = (base64: string): Buffer => Buffer.from(base64, "base64");
const nameOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

test("who has read the document alone hashes as the product does", () => {
  const { cases } = vectors("version/vectors/murmur3.json") as {
    cases: { text: string; seed: number; hash: number }[];
  };
  const unseeded = cases.filter(({ seed }) => seed === 0);
  expect(unseeded.map(({ text }) => keyHash(text))).toEqual(unseeded.map(({ hash }) => hash));
  const { items } = vectors("version/vectors/content-hash.json") as {
    items: { key: string; canonical: string; hash: string }[];
  };
  expect(items.map(({ key, canonical }) => itemHash(key, canonical))).toEqual(items.map(({ hash }) => hash));
});

test("who has read the document alone reads parts", () => {
  const { cases } = vectors("version/vectors/part.json") as {
    cases: { items: [string, JsonValue][]; contentHash: string; name: string; base64: string }[];
  };
  for (const { items, contentHash, name, base64 } of cases) {
    const file = readFile(bytesOf(base64));
    expect(nameOf(bytesOf(base64))).toBe(name);
    expect(file).toMatchObject({ kind: "part", contentHash });
    const expected = items.map(([key, value]) => [key, canonicalJson(value)] as const);
    expect(file.items.toSorted(byKey)).toEqual(expected.toSorted(byKey));
    for (const [key, text] of expected) expect(file.find(key)).toBe(text);
    expect(file.find("nobody's")).toBeUndefined();
  }
});

test("who has read the document alone reads layers", () => {
  const { cases } = vectors("version/vectors/layer.json") as {
    cases: { set: [string, JsonValue][]; remove: string[]; contentHash: string; name: string; base64: string }[];
  };
  for (const { set, remove, contentHash, name, base64 } of cases) {
    const file = readFile(bytesOf(base64));
    expect(nameOf(bytesOf(base64))).toBe(name);
    expect(file).toMatchObject({ kind: "layer", contentHash });
    const expected = [
      ...set.map(([key, value]) => [key, canonicalJson(value)] as const),
      ...remove.map((key) => [key, null] as const),
    ];
    expect(file.items.toSorted(byKey)).toEqual(expected.toSorted(byKey));
    for (const [key, text] of expected) expect(file.find(key)).toBe(text);
  }
});

test("who has read the document alone adds up a base and reads what lies over it", () => {
  const { cases } = vectors("version/vectors/base.json") as {
    cases: {
      files: { name: string; base64: string }[];
      content: DocumentContent;
      baseSum: { contentHash: string; items: number };
      items: [string, string][];
    }[];
  };
  for (const { files, content, baseSum, items } of cases) {
    const read = new Map(files.map(({ name, base64 }) => [name, readFile(bytesOf(base64))]));
    expect(sumOfBase(content.base)).toEqual(baseSum);
    const keys = new Set([...read.values()].flatMap((file) => file.items.map(([key]) => key)));
    for (const [key] of content.overlay?.set ?? []) keys.add(key);
    const found = [...keys].flatMap((key) => {
      const text = lookUp(content, read, key);
      return text === undefined ? [] : [[key, text] as const];
    });
    expect(found.toSorted(byKey)).toEqual(items);
    expect(sumOf(items.map(([key, text]) => itemHash(key, text)))).toBe(content.contentHash);
    expect(items).toHaveLength(content.items);
  }
});

test("who has read the document alone knows what a delta does", () => {
  const { cases } = vectors("version/vectors/delta.json") as {
    cases: {
      before: [string, JsonValue][];
      delta: { set: [string, string][]; remove: string[] };
      contentHashBefore: string;
      contentHashAfter: string;
      itemsAfter: number;
    }[];
  };
  for (const { before, delta, contentHashBefore, contentHashAfter, itemsAfter } of cases) {
    const items = new Map(before.map(([key, value]) => [key, canonicalJson(value)]));
    expect(afterDelta(items, contentHashBefore, delta)).toEqual({ contentHash: contentHashAfter, items: itemsAfter });
  }
});

test("a file that the document does not describe is not read by it either", () => {
  const { cases } = vectors("version/vectors/part.json") as { cases: { base64: string }[] };
  for (const { base64 } of cases) {
    const bytes = bytesOf(base64);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(() => readFile(flipped)).toThrow(/expected|neither|without|outside|out of range/);
    }
  }
});

test("buckets and arms are those of the vectors, in the product and by the document", () => {
  const { buckets, arms } = vectors("release/vectors/bucketing.json") as {
    buckets: { salt: string; key: string; bucket: number }[];
    arms: { bucket: number; thousandths: number; arm: string }[];
  };
  for (const { salt, key, bucket: expected } of buckets) {
    expect([bucketOf(salt, key), bucket(salt, key)]).toEqual([expected, expected]);
  }
  for (const { bucket: its, thousandths, arm } of arms) expect(armOf(its, thousandths)).toBe(arm);
});

test("canonical texts, and what is no strict JSON, are those of the vectors", () => {
  const { cases } = vectors("version/vectors/canonical-json.json") as {
    cases: ({ text: string } & Record<string, unknown>)[];
  };
  for (const { text, ...expected } of cases) expect(outcomeOf(text)).toEqual(expected);
});

function outcomeOf(text: string): object {
  try {
    return { canonical: canonicalJson(parseStrictJson(text)) };
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    return { refused: { code: error.code, ...error.details } };
  }
}

test("uploads are read, and refused, as the vectors say, however they are cut", () => {
  const { ndjson, object } = vectors("version/vectors/uploads.json") as Record<
    "ndjson" | "object",
    { base64: string; items: object[] }[]
  >;
  for (const [create, cases] of [
    [createNdjsonReader, ndjson],
    [createObjectReader, object],
  ] as const) {
    for (const { base64, items } of cases) {
      const bytes = bytesOf(base64);
      expect(read(create(), [bytes])).toEqual(items);
      expect(
        read(
          create(),
          Array.from(bytes, (byte) => Buffer.of(byte)),
        ),
      ).toEqual(items);
    }
  }
});

function read(reader: ItemReader, chunks: readonly Uint8Array[]): object[] {
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()].map(shortOf);
}

function shortOf(item: ReadItem): object {
  if (item.kind === "item") return { line: item.line, key: item.key, canonical: item.canonical };
  const { line, code, key, path } = item;
  return { line, code, ...(key === undefined ? {} : { key }), ...(path === undefined ? {} : { path }) };
}

test("the bytes of a stream are the frames that the vectors say", async () => {
  const { cases } = vectors("api/vectors/frames.json") as {
    cases: { base64: string; frames?: Frame[]; refused?: string }[];
  };
  for (const { base64, frames = [], refused } of cases) {
    const found: Frame[] = [];
    const reader = await createFrameReader((frame) => void found.push(frame));
    const push = (): void => reader.push(bytesOf(base64));
    if (refused === undefined) push();
    else expect(push).toThrow(expect.objectContaining({ code: refused }));
    expect(found).toEqual(frames);
  }
  const [first] = cases;
  expect(Buffer.from(encodeFrame(first?.frames?.[0] as Frame)).toString("base64")).toBe(first?.base64);
});
