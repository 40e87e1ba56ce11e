import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import {
  type BaseRef,
  buildLayer,
  buildPart,
  canonicalJson,
  createContentHash,
  createVirtualClock,
  itemHash,
  type JsonValue,
} from "@sluice/core";
import { type Blobs, createDirectoryBlobs } from "@sluice/replica";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bodyOf, type Items, itemsNumbered, ndjsonOf } from "./sample-origin.ts";
import type { ReadOptions } from "./upload-reader.ts";
import { type Bench, createInlineWorkbench, type Workbench } from "./workbench.ts";
import { createThreadWorkbench, startWorkbenchWorker } from "./workbench-threads.ts";

let directory: string;
let blobs: Blobs;
let workbench: Workbench;
let benches: Bench[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-workbench-"));
  blobs = createDirectoryBlobs(join(directory, "blobs"));
  benches = [];
});

afterEach(async () => {
  for (const bench of benches) await bench.close();
  await workbench.close();
  rmSync(directory, { recursive: true });
});

const options: ReadOptions = {
  format: "ndjson",
  keyBytesMax: 512,
  valueBytesMax: 1_048_576,
  objectBytesMax: 67_108_864,
};
const whole = { index: 0, count: 1 };

function open(name: string): Bench {
  const spool = join(directory, name);
  mkdirSync(spool);
  const bench = workbench.open(spool);
  benches.push(bench);
  return bench;
}

/** A bench that has read a text. */
async function read(text: string, name = "upload"): Promise<Bench> {
  const bench = open(name);
  await bench.begin(options);
  for await (const chunk of bodyOf(text)) await bench.push(chunk);
  await bench.seal();
  return bench;
}

function partOf(items: Items): ReturnType<typeof buildPart> {
  return buildPart(Object.entries(items).map(([key, value]) => ({ key, canonical: canonicalJson(value) })));
}

/** The base of one part, which is put among the blobs. */
async function baseOf(items: Items): Promise<BaseRef> {
  const { name, bytes, itemCount, contentHash } = partOf(items);
  await blobs.put(name, bytes);
  return { parts: [{ name, bytes: bytes.length, items: itemCount, contentHash }], layers: [] };
}

function itemOf(key: string, value: JsonValue): Uint8Array {
  return itemHash(key, canonicalJson(value));
}

const many = itemsNumbered(9_000, (index) => ({ title: `the ${index}th of "them"`, price: index / 4 }));
const over = { itemsMax: 100, bytesMax: 10_000 };

const kinds: readonly (readonly [string, () => Workbench])[] = [
  ["in this thread", () => createInlineWorkbench({ blobs, yieldNow: () => Promise.resolve() })],
  ["in threads", () => createThreadWorkbench(join(directory, "blobs"), createVirtualClock())],
];

describe.each(kinds)("a workbench %s", (_, make) => {
  beforeEach(() => {
    workbench = make();
  });

  test("builds the part of what it has read, and puts it among the blobs", async () => {
    const bench = await read(ndjsonOf(many));
    const first = { checks: [] };
    const built = await bench.run("build", { span: whole, partCount: 1, first });
    const { name, bytes, contentHash } = partOf(many);
    expect(built.parts).toEqual([{ name, bytes: bytes.length, items: 9_000, contentHash }]);
    expect(built.observed?.difference).toMatchObject({ added: 9_000, changed: 0, removed: 0 });
    expect(built.observed?.difference.examples).toHaveLength(20);
    expect(Buffer.from(await blobs.read(name)).equals(Buffer.from(bytes))).toBe(true);
  });

  test("cuts what it has read into groups and parts that hold what the whole does", async () => {
    const bench = await read(ndjsonOf(many));
    const sum = createContentHash();
    let items = 0;
    for (let index = 0; index < 4; index++) {
      const { parts } = await bench.run("build", { span: { index, count: 4 }, partCount: 8, first: null });
      expect(parts).toHaveLength(2);
      for (const part of parts) {
        sum.addHash(part.contentHash);
        items += part.items;
      }
    }
    expect([items, sum.hex()]).toEqual([9_000, partOf(many).contentHash]);
  });

  test("compares with parts, layers and what lies over them, and says what has to lie over the base", async () => {
    const { "sku-4": _four, "sku-5": _five, ...rest } = many;
    const before = await baseOf({ ...many, "sku-1": "in the part" });
    const layer = buildLayer([
      { key: "sku-1", canonical: '"in the layer"' },
      { key: "sku-2", canonical: null },
      { key: "sku-5", canonical: null },
    ]);
    await blobs.put(layer.name, layer.bytes);
    const { name, recordCount, itemCount, contentHash } = layer;
    const hidden = { items: 3, contentHash: "0".repeat(64) };
    const ref = { name, bytes: layer.bytes.length, records: recordCount, items: itemCount, contentHash, hidden };
    const overlay = [
      ["sku-3", '"over it"'],
      ["sku-1", '"over both"'],
      ["sku-9001", "1"],
      ["sku-7", null],
    ] as const;
    const bench = await read(ndjsonOf({ ...rest, "sku-new": 1 }));
    const parent = { base: { ...before, layers: [ref] }, overlay };
    const compared = await bench.run("compare", { span: whole, parent, checks: [], over });

    const sum = createContentHash();
    for (const key of ["sku-1", "sku-2", "sku-3", "sku-7"]) sum.add(itemOf(key, many[key] as JsonValue));
    sum.add(itemOf("sku-new", 1));
    sum.subtract(itemOf("sku-1", "over both"));
    sum.subtract(itemOf("sku-3", "over it"));
    sum.subtract(itemOf("sku-4", many["sku-4"] as JsonValue));
    sum.subtract(itemOf("sku-9001", 1));
    expect(compared.contentHash).toBe(sum.hex());
    // Added are sku-2, sku-7 and the new one; sku-1 and sku-3 are changed; sku-4 and sku-9001 are gone.
    expect(compared.difference).toMatchObject({ added: 3, changed: 2, removed: 2 });

    // Beneath are other values of sku-1 and sku-4, and neither sku-2 nor the new one.
    const beneath = createContentHash();
    beneath.add(itemOf("sku-1", "in the layer"));
    beneath.add(itemOf("sku-4", many["sku-4"] as JsonValue));
    expect(compared.over).toMatchObject({ items: 4, hidden: { items: 2, contentHash: beneath.hex() } });

    const built = await bench.run("build-layer", compared.over === null ? [] : [compared.over.bytes]);
    const expected = buildLayer([
      { key: "sku-1", canonical: canonicalJson(many["sku-1"] as JsonValue) },
      { key: "sku-2", canonical: canonicalJson(many["sku-2"] as JsonValue) },
      { key: "sku-new", canonical: "1" },
      { key: "sku-4", canonical: null },
    ]);
    // The length too: in a thread the bytes are given away to be written, and nothing is left of them to be measured.
    const { name: itsName, bytes, contentHash: itsHash } = expected;
    expect(built).toEqual({ name: itsName, bytes: bytes.length, records: 4, items: 3, contentHash: itsHash });
    expect(blobs.has(built.name)).toBe(true);
  });

  test("keeps the list of changes, and counts those that stand in another", async () => {
    const parent = { base: await baseOf(many), overlay: [] };
    const changesOf = async (items: Items, name: string): Promise<{ bench: Bench; list: string }> => {
      const bench = await read(ndjsonOf(items), name);
      for (let index = 0; index < 2; index++) {
        await bench.run("compare", { span: { index, count: 2 }, parent, checks: [], over });
      }
      const list = await bench.run("name-changes", 2);
      await bench.run("keep-changes", { groups: 2, name: list });
      return { bench, list };
    };
    const { list } = await changesOf({ ...many, "sku-1": 1, "sku-2": 2, "sku-3": 3 }, "bad");
    const { bench, list: other } = await changesOf({ ...many, "sku-1": 1, "sku-2": 2, "sku-3": 4 }, "next");
    expect(await blobs.list()).toEqual(expect.arrayContaining([list, other]));
    expect(await bench.run("count-shared", { groups: 2, list, lifted: ["sku-2"] })).toBe(1);
    const keys = ["sku-3", "no-such", "sku-1"];
    expect(await bench.run("find-listed", { list, keys })).toEqual(["sku-3", "sku-1"]);
    const unknown = bench.run("count-shared", { groups: 2, list: "f".repeat(64), lifted: [] });
    await expect(unknown).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
  });

  test("lists what is wrong with an upload, and finds keys that came twice in whatever job sorts them", async () => {
    const bench = open("upload");
    await bench.begin(options);
    await bench.push(Buffer.from('{"key":"a","value":1}\n{"key":\n{"key":"a","value":2}'));
    const { items, problems } = await bench.seal();
    expect(items).toBe(2);
    expect(problems).toMatchObject({ total: 1, codes: { INVALID_JSON: 1 }, listed: [{ line: 2 }] });
    const twice = { total: 1, listed: [{ code: "DUPLICATE_KEY", key: "a", line: 3 }] };
    expect(await bench.run("find-repeated", whole)).toMatchObject(twice);
    const built = await bench.run("build", { span: whole, partCount: 1, first: null });
    expect(built).toMatchObject({ repeated: twice, parts: [] });
    expect(await blobs.list()).toEqual([]);
  });

  test("says that the spool cannot be written, at a later push or at the end", async () => {
    const bench = open("upload");
    await bench.begin(options);
    rmSync(join(directory, "upload"), { recursive: true });
    const pushed = (async () => {
      for await (const chunk of bodyOf(ndjsonOf(many))) await bench.push(chunk);
      await bench.seal();
    })();
    await expect(pushed).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("works on two uploads at a time", async () => {
    const [a, b] = await Promise.all([read(ndjsonOf(many), "a"), read(ndjsonOf({ b: 1 }), "b")]);
    const build = { span: whole, partCount: 1, first: null };
    const [big, small] = await Promise.all([a.run("build", build), b.run("build", build)]);
    expect([big.parts[0]?.items, small.parts[0]?.items]).toEqual([9_000, 1]);
  });
});

describe("threads that end", () => {
  const clock = createVirtualClock();
  const dying = "require('node:worker_threads').parentPort.on('message', () => process.exit(1))";

  test("a thread that dies fails what it was at, and the next upload gets another", async () => {
    let starts = 0;
    workbench = createThreadWorkbench(join(directory, "blobs"), clock, (path) =>
      starts++ === 0 ? new Worker(dying, { eval: true, execArgv: [] }) : startWorkbenchWorker(path),
    );
    const first = open("first");
    await expect(first.begin(options)).rejects.toMatchObject({
      code: "INTERNAL",
      message: "the thread that reads and compares uploads ended; publish again",
    });
    await expect(first.seal()).rejects.toMatchObject({ code: "INTERNAL" });
    await first.close();
    const second = await read(ndjsonOf(many), "second");
    expect((await second.run("find-repeated", whole)).total).toBe(0);
  });

  test("threads wait for the next upload for ten seconds, and are started again by one that comes later", async () => {
    let starts = 0;
    workbench = createThreadWorkbench(join(directory, "blobs"), clock, (path) => {
      starts++;
      return startWorkbenchWorker(path);
    });
    const uploadAfter = async (name: string, restMs: number): Promise<number> => {
      const bench = await read(ndjsonOf({ a: 1 }), name);
      expect((await bench.run("find-repeated", whole)).total).toBe(0);
      await benches.pop()?.close();
      await workbench.rest();
      clock.advance(restMs);
      return starts;
    };
    // One group is nothing to share.
    expect(await uploadAfter("first", 9_999)).toBe(1);
    expect(await uploadAfter("second", 10_000)).toBe(1);
    expect(await uploadAfter("third", 0)).toBe(2);
    expect(readdirSync(join(directory, "blobs"))).toEqual(["tmp"]);
  });
});
