import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type BaseRef, buildLayer, buildPart, createContentHash, type LayerRef, type PartRef } from "@sluice/core";
import { type Blobs, createDirectoryBlobs, createMemoryBlobs, openBlobFile } from "@sluice/replica";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FoldedPart } from "./files.ts";
import { createInlineWorkshop, type Workshop } from "./workshop.ts";
import { createWorkshopThread, startWorkshopWorker } from "./workshop-thread.ts";

let directory: string;
let blobs: Blobs;
let workshop: Workshop | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-workshop-"));
  blobs = createDirectoryBlobs(directory);
});

afterEach(async () => {
  await workshop?.rest();
  rmSync(directory, { recursive: true });
});

const nothing = { items: 0, contentHash: createContentHash().hex() };

async function putPart(items: Readonly<Record<string, string>>): Promise<PartRef> {
  const part = buildPart(Object.entries(items).map(([key, canonical]) => ({ key, canonical })));
  await blobs.put(part.name, part.bytes);
  return { name: part.name, bytes: part.bytes.length, items: part.itemCount, contentHash: part.contentHash };
}

async function putLayer(changes: Readonly<Record<string, string | null>>): Promise<LayerRef> {
  const layer = buildLayer(Object.entries(changes).map(([key, canonical]) => ({ key, canonical })));
  await blobs.put(layer.name, layer.bytes);
  const { name, bytes, recordCount: records, itemCount: items, contentHash } = layer;
  return { name, bytes: bytes.length, records, items, contentHash, hidden: nothing };
}

async function foldAll(its: Workshop, base: BaseRef, partCount: number): Promise<FoldedPart[]> {
  const parts: FoldedPart[] = [];
  for await (const some of its.fold(base, partCount)) parts.push(...some);
  return parts;
}

describe.each([
  ["in this thread", () => createInlineWorkshop((name) => openBlobFile(directory, name))],
  ["in a thread of its own", () => createWorkshopThread(directory)],
] as const)("a workshop %s", (_where, create) => {
  test("builds the layer of an overlay", async () => {
    workshop = create();
    const items = [
      { key: "b", canonical: "2" },
      { key: "a", canonical: null },
    ];
    expect(await workshop.flush(items)).toMatchObject({ name: buildLayer(items).name, recordCount: 2, itemCount: 1 });
  });

  test("merges layers, the newest last", async () => {
    workshop = create();
    const layers = [
      await putLayer({ a: "1", b: "1", c: null }),
      await putLayer({ b: null, c: "2" }),
      await putLayer({ a: "3", d: null }),
    ];
    const { name } = buildLayer(
      Object.entries({ a: "3", b: null, c: "2", d: null }).map(([key, canonical]) => ({ key, canonical })),
    );
    expect((await workshop.merge(layers)).name).toBe(name);
  });

  test("folds layers into parts, keeps those that nothing lies over, and splits what has grown", async () => {
    workshop = create();
    const all = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`sku-${index}`, `${index}`]));
    const base = { parts: [await putPart(all)], layers: [await putLayer({ "sku-1": "x", "sku-2": null, new: "y" })] };
    const { "sku-2": _removed, ...rest } = all;
    const expected = { ...rest, "sku-1": "x", new: "y" };

    const [whole] = await foldAll(workshop, base, 1);
    expect(whole).toMatchObject({ built: { name: (await putPart(expected)).name } });
    const split = await foldAll(workshop, base, 4);
    expect(split.map((part) => ("built" in part ? part.built.itemCount : 0)).reduce((a, b) => a + b)).toBe(200);
    const kept = await foldAll(workshop, { parts: base.parts, layers: [] }, 1);
    expect(kept).toEqual([{ kept: base.parts[0] }]);
    // One after the other over the same split files: a fold of several parts.
    const parts: PartRef[] = [];
    for (const part of split) {
      if (!("built" in part)) continue;
      const { name, bytes, itemCount: items, contentHash } = part.built;
      await blobs.put(name, bytes);
      parts.push({ name, bytes: bytes.length, items, contentHash });
    }
    const again = await foldAll(workshop, { parts, layers: [await putLayer({ "sku-1": "z" })] }, 4);
    expect(again.filter((part) => "built" in part).length).toBe(1);
  });

  test("a file that is gone or damaged is said so, and the next task is done", async () => {
    workshop = create();
    const layer = await putLayer({ a: "1" });
    const gone = { ...layer, name: "0".repeat(64) };
    await expect(workshop.merge([gone])).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
    await expect(foldAll(workshop, { parts: [await putPart({ a: "1" })], layers: [gone] }, 1)).rejects.toMatchObject({
      code: "BLOB_UNKNOWN",
    });
    expect((await workshop.merge([layer])).name).toBe(layer.name);
  });

  test("a fold that nobody goes on with lets go of its files", async () => {
    workshop = create();
    const base = {
      parts: [await putPart({ a: "1" }), await putPart({ b: "2" })],
      layers: [await putLayer({ a: "2" })],
    };
    for await (const part of workshop.fold(base, 2)) {
      expect(part.length).toBe(1);
      break;
    }
    expect((await foldAll(workshop, base, 2)).length).toBe(2);
  });
});

test("a thread that dies fails what it was at, and the next task gets another", async () => {
  const dying = "require('node:worker_threads').parentPort.on('message', () => process.exit(1))";
  let starts = 0;
  workshop = createWorkshopThread(directory, (given) =>
    starts++ === 0 ? new Worker(dying, { eval: true, execArgv: [] }) : startWorkshopWorker(given),
  );
  await expect(workshop.flush([])).rejects.toMatchObject({ code: "INTERNAL" });
  expect((await workshop.flush([{ key: "a", canonical: "1" }])).recordCount).toBe(1);
});

test("a fold whose thread has died ends with that, and does not wait for it", async () => {
  const base = { parts: [await putPart({ a: "1" }), await putPart({ b: "2" })], layers: [await putLayer({ a: "2" })] };
  const workers: Worker[] = [];
  workshop = createWorkshopThread(directory, (given) => {
    const worker = startWorkshopWorker(given);
    workers.push(worker);
    return worker;
  });
  const its = workshop;
  await expect(
    (async () => {
      for await (const _part of its.fold(base, 2)) await workers[0]?.terminate();
    })(),
  ).rejects.toMatchObject({ code: "INTERNAL" });
});

test("an inline workshop reads whatever blobs it is given", async () => {
  const memory = createMemoryBlobs();
  const layer = buildLayer([{ key: "a", canonical: "1" }]);
  await memory.put(layer.name, layer.bytes);
  const { name, bytes, recordCount: records, itemCount: items, contentHash } = layer;
  const ref = { name, bytes: bytes.length, records, items, contentHash, hidden: nothing };
  expect((await createInlineWorkshop((its) => memory.open(its)).merge([ref])).name).toBe(name);
});
