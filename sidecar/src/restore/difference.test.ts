import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Content, canonicalJson, createVirtualClock, type JsonValue } from "@sluice/core";
import { createDirectoryBlobs, createShelf } from "@sluice/replica";
import { buildLayer, buildPart, createContentHash, createDelta, hiddenBy, itemHash } from "@sluice/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createInlineWorkbench, type Workbench } from "../publish/workbench.ts";
import { createThreadWorkbench } from "../publish/workbench-threads.ts";
import { compareWithStable, contentOf } from "./difference.ts";
import { createLineValues } from "./line-values.ts";

type Items = Readonly<Record<string, JsonValue>>;

let directory: string;
let blobs: ReturnType<typeof createDirectoryBlobs>;
let workbench: Workbench;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-difference-"));
  blobs = createDirectoryBlobs(join(directory, "blobs"));
});

afterEach(async () => {
  await workbench.close();
  rmSync(directory, { recursive: true });
});

const sumOf = (items: Items): { contentHash: string; items: number } => {
  const sum = createContentHash();
  for (const [key, value] of Object.entries(items)) sum.add(itemHash(key, canonicalJson(value)));
  return { contentHash: sum.hex(), items: Object.keys(items).length };
};

/** A version of a part, a layer over it, and what lies over both. */
async function contentFrom(
  part: Items,
  layer: Readonly<Record<string, JsonValue | null>>,
  over: Items,
): Promise<Content> {
  const built = buildPart(Object.entries(part).map(([key, value]) => ({ key, canonical: canonicalJson(value) })));
  await blobs.put(built.name, built.bytes);
  const entries = Object.entries(layer);
  const top = buildLayer(
    entries.map(([key, value]) => ({ key, canonical: value === null ? null : canonicalJson(value) })),
  );
  await blobs.put(top.name, top.bytes);
  const { name, bytes, itemCount: items, contentHash } = built;
  const between = Object.fromEntries(
    Object.entries({ ...part, ...layer }).filter((entry): entry is [string, JsonValue] => entry[1] !== null),
  );
  const its = { name: top.name, bytes: top.bytes.length, records: top.recordCount, items: top.itemCount };
  const ref = { ...its, contentHash: top.contentHash };
  return {
    base: {
      parts: [{ name, bytes: bytes.length, items, contentHash }],
      layers: [{ ...ref, hidden: hiddenBy(ref, { contentHash, items }, sumOf(between)) }],
    },
    overlay: createDelta(
      Object.entries(over).map(([key, value]) => [key, canonicalJson(value)] as const),
      [],
    ),
    ...sumOf({ ...between, ...over }),
  };
}

const numbered = (count: number, price: number): Items =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`sku-${index}`, { price: price + index }]));

const kinds: readonly (readonly [string, () => Workbench])[] = [
  ["in this thread", () => createInlineWorkbench({ blobs, yieldNow: () => Promise.resolve() })],
  ["in threads", () => createThreadWorkbench(join(directory, "blobs"), createVirtualClock())],
];

describe.each(kinds)("two versions that are here, compared %s", (_, make) => {
  test.each([
    { what: "few items differ", price: 100, overStable: true },
    { what: "most items differ", price: 9_000, overStable: false },
  ])(
    "where $what, what comes back stands on the files of which little has to change",
    async ({ price, overStable }) => {
      workbench = make();
      const spool = join(directory, "spool");
      mkdirSync(spool);
      const bench = workbench.open(spool);
      const shelf = createShelf({ blobs, clock: createVirtualClock() });
      try {
        const now = numbered(3_000, 100);
        const then = numbered(3_000, price);
        const stable = shelf.open(
          await contentFrom(now, { "sku-1": { price: 1 }, "sku-2": null }, { "sku-3": { price: 3 } }),
          9,
        );
        const old = await contentFrom(then, { "sku-4": { price: 4 }, "sku-5": null }, { "sku-6": { price: 6 } });
        const values = createLineValues(shelf, old, 5);
        values.set("sku-7", undefined);
        values.set("new", canonicalJson({ price: 8 }));
        const { "sku-5": _five, "sku-7": _seven, ...kept } = then;
        const expected: Items = { ...kept, "sku-4": { price: 4 }, "sku-6": { price: 6 }, new: { price: 8 } };

        const work = { bench, blobs, signal: new AbortController().signal, yieldNow: () => Promise.resolve() };
        const difference = await compareWithStable(work, stable, values);
        expect(difference).toMatchObject(sumOf(expected));
        // sku-2 and `new` were not there, sku-5 and sku-7 will not be.
        const changed = price === 100 ? 4 : 2_997;
        expect(difference.difference).toMatchObject({ added: 2, removed: 2, changed });
        expect(difference.difference.examples).toHaveLength(Math.min(100, changed + 4));
        const content = await contentOf(work, stable.base, values.base, difference);
        expect(content.base.parts).toEqual((overStable ? stable : values).base.parts);
        // The shelf proves that it comes to what it says.
        const back = shelf.open(content, 10);
        const read = new Map(Array.from(back.entries(), ([key, text]) => [key, JSON.parse(text) as JsonValue]));
        expect(Object.fromEntries(read)).toEqual(expected);
      } finally {
        shelf.close();
        await bench.close();
      }
    },
  );
});
