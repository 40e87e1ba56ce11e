import { type CompactionLimits, sumOfBase } from "@sluice/core";
import type { PatchItem } from "@sluice/core/api";
import { settle } from "@sluice/replica/testing";
import fc from "fast-check";
import { pino } from "pino";
import { expect, test } from "vitest";
import {
  createSampleOrigin,
  type Items,
  itemsNumbered,
  itemsOf,
  release,
  type SampleOrigin,
} from "../publish/sample-origin.ts";
import { type Compactor, createCompactor } from "./compactor.ts";
import { createInlineWorkshop, type Workshop } from "./workshop.ts";

const limits: CompactionLimits = {
  overlayItemsMax: 4,
  overlayBytesMax: 10_000,
  layersPerTier: 3,
  layerBytesMax: 100_000,
  foldRecordsMin: 20,
  foldShare: 1 / 8,
  layersMax: 6,
};

interface World {
  readonly origin: SampleOrigin;
  readonly compactor: Compactor;
  /** Lets everything that is at work come to its end. */
  readonly settle: () => Promise<void>;
}

function createWorld(given: { readonly wrap?: (workshop: Workshop) => Workshop } = {}): World {
  const origin = createSampleOrigin();
  const { blobs } = origin.store;
  const inline = createInlineWorkshop((name) => blobs.open(name));
  const compactor = createCompactor({
    commands: origin.commands,
    keeper: { blobs, during: (work) => work() },
    workshop: given.wrap?.(inline) ?? inline,
    clock: origin.clock,
    logger: pino({ level: "silent" }),
    yieldNow: async () => {},
    limits,
  });
  return { origin, compactor, settle };
}

const numbered = (count: number): Items => itemsNumbered(count, (index) => ({ price: index }));

async function published(world: World, count = 60): Promise<void> {
  await world.origin.createDataset();
  await world.origin.publish(numbered(count));
}

test("an overlay that has grown becomes a layer, and the content stays what it was", async () => {
  const world = createWorld();
  const { origin, settle } = world;
  await published(world);
  const patches: PatchItem[] = [
    { key: "sku-1", value: 1 },
    { key: "sku-2", remove: true },
    { key: "new", value: { price: 9 } },
    { key: "sku-3", merge: { price: 33 } },
  ];
  await origin.patch(...patches);
  const before = itemsOf(origin.lines().stable);
  await settle();
  const { stable } = origin.lines();
  expect(stable?.base.layers).toMatchObject([{ records: 4, items: 3, hidden: { items: 3 } }]);
  expect([...(stable?.overlay() ?? [])]).toEqual([]);
  expect(itemsOf(stable)).toEqual(before);
  expect(origin.state().datasets["prices"]?.stable).toMatchObject({ number: 2, contentHash: stable?.contentHash });
  expect(origin.state().controlSequence).toBe(2);
});

test("whatever is patched, published, released and reverted meanwhile, compaction changes nothing of what is read", async () => {
  const key = fc.nat(80).map((number) => `sku-${number}`);
  const patch = fc.array(
    fc.oneof(fc.record({ key, value: fc.nat(1000) }), fc.record({ key, remove: fc.constant(true as const) })),
    { minLength: 1, maxLength: 6 },
  );
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("patch" as const), items: patch }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("publish" as const), seed: fc.nat(1_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("revert" as const, "promote" as const) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = createWorld();
      const { origin, settle } = world;
      // The same without a compactor.
      const plain = createSampleOrigin();
      await published(world);
      await plain.createDataset();
      await plain.publish(numbered(60));
      for (const its of steps) {
        if (its.kind === "settle") await settle();
        else for (const each of [origin, plain]) await attempt(each, its);
        expect([itemsOf(origin.lines().stable), itemsOf(origin.lines().candidate)]).toEqual([
          itemsOf(plain.lines().stable),
          itemsOf(plain.lines().candidate),
        ]);
      }
      await settle();
      for (const version of [origin.lines().stable, origin.lines().candidate]) {
        if (version === null) continue;
        expect(version.overlaySize.items).toBeLessThan(limits.overlayItemsMax);
        expect(version.base.layers.length).toBeLessThanOrEqual(limits.layersMax);
        const items = Object.keys(itemsOf(version)).length;
        expect(version.items).toBe(items);
        if (version.overlaySize.items === 0) {
          expect(sumOfBase(version.base)).toEqual({ contentHash: version.contentHash, items });
        }
      }
      await world.compactor.close();
    }),
    { numRuns: 60 },
  );
});

type Step = { kind: "patch"; items: PatchItem[] } | { kind: "publish"; seed: number } | { kind: "revert" | "promote" };

async function attempt(origin: SampleOrigin, step: Step): Promise<void> {
  const prices = origin.state().datasets["prices"];
  if (step.kind === "patch") {
    // One change of a key in each patch, and both lines whatever they differ in.
    const items = [...new Map(step.items.map((item) => [item.key, item])).values()];
    for (const item of items) await origin.patch(item).catch(() => {});
  } else if (step.kind === "publish") {
    const changed = { ...numbered(60), [`sku-${step.seed % 60}`]: { price: -step.seed } };
    await origin.publish(changed, { request: release }).catch(() => {});
  } else if (prices?.release) {
    if (step.kind === "revert") await origin.revert();
    else await origin.give({ type: "promote", release: prices.release, epoch: null });
  }
}

test("a fold gives parts again that differ only where something lay over them", async () => {
  const world = createWorld();
  const { origin, settle } = world;
  await published(world);
  const before = origin.lines().stable?.base.parts ?? [];
  for (let round = 0; round < 30; round++) {
    await origin.patch({ key: `sku-${round}`, value: round });
    await settle();
  }
  const { stable } = origin.lines();
  const read = itemsOf(stable);
  expect(read["sku-7"]).toBe(7);
  expect(Object.keys(read).length).toBe(60);
  expect(stable?.base.parts).not.toEqual(before);
  expect((stable?.base.layers ?? []).reduce((sum, { records }) => sum + records, 0)).toBeLessThanOrEqual(20);
});

test("a workshop that fails is left alone for a while, and the overlay is flushed then", async () => {
  let failures = 2;
  const world = createWorld({
    wrap: (inner) => ({
      ...inner,
      async flush(items) {
        if (failures-- > 0) throw new Error("no more threads");
        return inner.flush(items);
      },
    }),
  });
  const { origin, settle } = world;
  await published(world);
  for (let index = 0; index < 5; index++) await origin.patch({ key: `sku-${index}`, value: "x" });
  await settle();
  expect(origin.lines().stable?.base.layers).toEqual([]);
  for (let round = 0; round < 3; round++) {
    origin.clock.advance(5_000);
    await settle();
  }
  expect(origin.lines().stable?.base.layers.length).toBe(1);
  expect(itemsOf(origin.lines().stable)["sku-4"]).toBe("x");
});

test("a closed compactor leaves no timer and ends what is at work", async () => {
  const world = createWorld();
  const { origin, compactor } = world;
  await published(world);
  for (let index = 0; index < 5; index++) await origin.patch({ key: `sku-${index}`, value: "x" });
  await compactor.close();
  expect(origin.clock.nextInMs()).toBe(undefined);
  expect(itemsOf(origin.lines().stable)["sku-4"]).toBe("x");
});

test("a line that has lost a file is left alone for a while instead of being flushed without end", async () => {
  const world = createWorld();
  const { origin } = world;
  await published(world);
  const [part] = origin.lines().stable?.base.parts ?? [];
  await origin.store.blobs.delete(part?.name ?? "");
  for (let index = 0; index < 5; index++) await origin.patch({ key: `sku-${index}`, value: "x" });
  const before = origin.state().sequence;
  await settle();
  expect(origin.state().sequence).toBe(before);
  expect(itemsOf(origin.lines().stable)["sku-4"]).toBe("x");
  await world.compactor.close();
});
