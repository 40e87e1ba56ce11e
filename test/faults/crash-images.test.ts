import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import type { Store } from "../../sidecar/src/store/port.ts";
import { eventually } from "../support/instances.ts";
import { openOrigin, type OriginOnDisk } from "./origin-on-disk.ts";

// The disk as it was between any two steps of what an origin does in the background: what a process that died there would leave.

const root = mkdtempSync(join(tmpdir(), "sluice-images-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const limits = {
  compaction: {
    overlayItemsMax: 40,
    overlayBytesMax: 1_000_000,
    layersPerTier: 2,
    layerBytesMax: 1_000_000,
    foldRecordsMin: 100,
    foldShare: 1 / 8,
    layersMax: 4,
  },
  retention: { keepPatchesMs: 0, keepVersionsMs: 0 },
};

interface Image {
  readonly step: string;
  readonly directory: string;
  /** What was acknowledged by then, and what was on its way. */
  readonly allowed: readonly ReadonlyMap<string, unknown>[];
}

test("a process that dies between any two steps of compaction, checkpoint, pruning and sweeping leaves what was acknowledged", {
  timeout: 240_000,
}, async () => {
  const directory = join(root, "origin");
  const images: Image[] = [];
  const counts = new Map<string, number>();
  const first = new Map(Array.from({ length: 200 }, (_, index) => [`sku-${index}`, { stamp: 0 }]));
  let allowed: readonly ReadonlyMap<string, unknown>[] = [];

  /** Keeps the first few images of each step: they are all alike. */
  const keep = (step: string): void => {
    const count = (counts.get(step) ?? 0) + 1;
    counts.set(step, count);
    if (count > 2 || allowed.length === 0) return;
    const image = join(root, `${step.replaceAll(" ", "-")}-${count}`);
    cpSync(directory, image, { recursive: true });
    images.push({ step: `${step} ${count}`, directory: image, allowed });
  };

  const origin = await openOrigin(directory, { ...limits, wrap: (store) => between(store, keep) });
  await origin.post("/v1/datasets", { name: "stock", policy: "immediate" });
  await origin.publish("stock", first);
  let items: ReadonlyMap<string, unknown> = first;
  for (let stamp = 1; stamp <= 24; stamp++) {
    const set = Array.from({ length: 15 }, (_, index) => [`sku-${(stamp * 13 + index) % 220}`, { stamp }] as const);
    const after = new Map<string, unknown>([...items, ...set]);
    allowed = [items, after];
    const patched = await origin.post("/v1/datasets/stock/patches", {
      items: set.map(([key, value]) => ({ key, value })),
    });
    expect(patched.status).toBe(200);
    items = after;
    allowed = [items];
    await settle(origin);
  }
  // For as long as it takes until what nobody needs any more is swept.
  await eventually("a blob that is removed", async () => {
    origin.clock.advance(60_000);
    await settle(origin);
    return counts.has("a blob removed") ? true : undefined;
  });
  await origin.close();

  const steps = ["a blob written", "a base told", "a checkpoint written", "patches pruned", "a blob removed"];
  expect(new Set(images.map(({ step }) => step.replace(/( next)? \d+$/, "")))).toEqual(new Set(steps));
  for (const image of images) {
    const again = await openOrigin(image.directory, limits);
    const read = await readAll(again);
    expect(image.allowed, `after ${image.step}`).toContainEqual(read);
    expect(await again.complaints()).toEqual([]);
    await settle(again);
    expect(await readAll(again), `after ${image.step}, a while later`).toEqual(read);
    await again.close();
  }
});

/** The store with a look at its directory before and after each of its steps. */
function between(store: Store, keep: (step: string) => void): Store {
  const around = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    keep(`${step} next`);
    const done = await work();
    keep(step);
    return done;
  };
  const { log, blobs } = store;
  return {
    ...store,
    log: {
      ...log,
      append: async (append) =>
        append.events.some(({ event }) => event.type === "rebased")
          ? around("a base told", async () => log.append(append))
          : log.append(append),
      putCheckpoint: async (checkpoint) => around("a checkpoint written", async () => log.putCheckpoint(checkpoint)),
      async prune(pruning) {
        const pruned = await around("patches pruned", async () => log.prune(pruning));
        return pruned;
      },
    },
    blobs: {
      ...blobs,
      put: async (name, bytes) => around("a blob written", async () => blobs.put(name, bytes)),
      delete: async (name) => around("a blob removed", async () => blobs.delete(name)),
    },
  };
}

/** Lets everything that goes on come to an end, and some seconds pass. */
async function settle(origin: OriginOnDisk): Promise<void> {
  for (let second = 0; second < 5; second++) {
    for (let turns = 0; turns < 60; turns++) await turn();
    origin.clock.advance(1_000);
  }
}

async function readAll(origin: OriginOnDisk): Promise<Map<string, unknown>> {
  const keys = Array.from({ length: 240 }, (_, index) => `sku-${index}`);
  const { status, body } = await origin.post("/v1/datasets/stock/items", { keys });
  expect(status).toBe(200);
  return new Map(Object.entries(body["items"] as Record<string, unknown>));
}
