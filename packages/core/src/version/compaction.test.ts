import fc from "fast-check";
import { expect, test } from "vitest";
import type { BaseRef, LayerRef, PartRef } from "../release/event.ts";
import { sumOfBase } from "./base.ts";
import {
  addLayer,
  type CompactionLimits,
  defaultCompactionLimits,
  isFlushDue,
  mergedRef,
  nextCompaction,
  replaceLayers,
} from "./compaction.ts";
import { createContentHash, itemHash } from "./content-hash.ts";
import { buildLayer } from "./part-builder.ts";

const limits: CompactionLimits = { ...defaultCompactionLimits, overlayItemsMax: 100, foldRecordsMin: 400 };

let names = 0;
function layerOf(records: number, bytes = records * 150): LayerRef {
  const hash = createContentHash().hex();
  const name = String(names++).padStart(64, "0");
  return { name, bytes, records, items: records, contentHash: hash, hidden: { items: records, contentHash: hash } };
}

function partsOf(count: number, items: number, bytes = items * 170): PartRef[] {
  const contentHash = createContentHash().hex();
  return Array.from({ length: count }, () => ({ name: contentHash, bytes, items, contentHash }));
}

/** Flushes of distinct keys, each followed by every step that is due; what was written by steps, and the most layers that there were. */
function flushes(
  count: number,
  parts: readonly PartRef[],
): { written: number; layersMost: number; recordsMost: number } {
  let base: BaseRef = { parts, layers: [] };
  let written = 0;
  let layersMost = 0;
  let recordsMost = 0;
  for (let flush = 0; flush < count; flush++) {
    base = { ...base, layers: [...base.layers, layerOf(limits.overlayItemsMax)] };
    for (let step = nextCompaction(base, limits); step !== null; step = nextCompaction(base, limits)) {
      const records = step.layers.reduce((sum, layer) => sum + layer.records, 0);
      if (step.kind === "merge") written += records;
      base = replaceLayers(base, step, step.kind === "fold" ? { parts: base.parts } : { layer: layerOf(records) });
    }
    layersMost = Math.max(layersMost, base.layers.length);
    recordsMost = Math.max(
      recordsMost,
      base.layers.reduce((sum, layer) => sum + layer.records, 0),
    );
  }
  return { written, layersMost, recordsMost };
}

test("an overlay is flushed by its keys or by its bytes", () => {
  expect(isFlushDue({ items: 2_047, bytes: 1 })).toBe(false);
  expect(isFlushDue({ items: 2_048, bytes: 1 })).toBe(true);
  expect(isFlushDue({ items: 1, bytes: 512 * 1024 })).toBe(true);
});

test("however long patches go on, layers stay few and hold a share of the items, and a record is merged a few times", () => {
  const items = 80_000;
  const count = 2_000;
  const { written, layersMost, recordsMost } = flushes(count, partsOf(8, items / 8));
  expect(layersMost).toBeLessThanOrEqual(3 * 4);
  expect(recordsMost).toBeLessThanOrEqual(items / 8);
  // 100, 400, 1,600, 6,400: three merges at most before a fold.
  expect(written / (count * limits.overlayItemsMax)).toBeLessThanOrEqual(3);
});

test("layers of a small dataset are folded from a number of records on, not at every flush", () => {
  const small: BaseRef = { parts: partsOf(1, 50), layers: [layerOf(100), layerOf(100)] };
  expect(nextCompaction(small, limits)).toBeNull();
  const more = { ...small, layers: [layerOf(250), layerOf(200)] };
  expect(nextCompaction(more, limits)).toMatchObject({ kind: "fold", from: 0, partCount: 1 });
});

test("a large layer stays where it is while small ones are merged on top of it", () => {
  const layers = [layerOf(5_000), layerOf(100), layerOf(90), layerOf(110), layerOf(100)];
  const step = nextCompaction({ parts: partsOf(8, 10_000), layers }, limits);
  expect(step).toEqual({ kind: "merge", from: 1, layers: layers.slice(1) });
});

test("layers that would not fit into one are left until they are folded", () => {
  const big = Array.from({ length: 8 }, () => layerOf(100, 10_000_000));
  const base = { parts: partsOf(1024, 10_000), layers: big };
  expect(nextCompaction(base, limits)).toBeNull();
  expect(nextCompaction({ ...base, layers: [...big, ...big, ...big] }, limits)).toMatchObject({ kind: "fold" });
});

test("parts that have outgrown their size are split by a fold", () => {
  const base = { parts: partsOf(2, 100_000, 9_000_000), layers: [layerOf(30_000)] };
  expect(nextCompaction(base, limits)).toMatchObject({ kind: "fold", partCount: 16 });
});

test("a run that is not where it was is not replaced", () => {
  const layers = [layerOf(1), layerOf(1), layerOf(1)];
  const base: BaseRef = { parts: partsOf(1, 10), layers };
  const run = { from: 1, layers: layers.slice(0, 2) };
  expect(() => replaceLayers(base, run, { layer: layerOf(2) })).toThrow("assertion failed");
  expect(() => replaceLayers(base, { from: 1, layers: layers.slice(1) }, { parts: [] })).toThrow("assertion failed");
});

const change = fc.tuple(
  fc.nat(12).map((number) => `k${number}`),
  fc.option(fc.nat(3).map(String)),
);
const steps = fc.array(
  fc.array(change, { minLength: 1 }).map((changes) => new Map(changes)),
  { minLength: 2, maxLength: 5 },
);

test("a merged layer makes of what lies beneath what the layers made of it", () => {
  fc.assert(
    fc.property(steps, (changes) => {
      const map = new Map<string, string>();
      let base: BaseRef = { parts: partsOf(1, 0), layers: [] };
      for (const step of changes) {
        const hidden = createContentHash();
        let items = 0;
        for (const [key, value] of step) {
          const old = map.get(key);
          if (old !== undefined) {
            hidden.add(itemHash(key, old));
            items++;
          }
          if (value === null) map.delete(key);
          else map.set(key, value);
        }
        base = addLayer(base, built(step), { contentHash: hidden.hex(), items });
      }
      const merged = mergedRef(built(new Map(changes.flatMap((step) => [...step]))), base.layers);
      const after = replaceLayers(base, { from: 0, layers: base.layers }, { layer: merged });
      expect(sumOfBase(after)).toEqual(sumOfBase(base));
      expect(after.layers.length).toBe(1);
    }),
  );
});

function built(step: ReadonlyMap<string, string | null>): Omit<LayerRef, "hidden"> {
  const layer = buildLayer([...step].map(([key, canonical]) => ({ key, canonical })));
  const { name, bytes, recordCount: records, itemCount: items, contentHash } = layer;
  return { name, bytes: bytes.byteLength, records, items, contentHash };
}
