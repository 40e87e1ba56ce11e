import { createHash } from "node:crypto";
import type { VirtualClock } from "@sluice/core";
import { createVirtualClock } from "@sluice/core";
import type { Blobs, Sweeper } from "@sluice/replica";
import { blobGraceMs, createMemoryBlobs, createSweeper, sweepMs } from "@sluice/replica";
import { pass, settle } from "@sluice/replica/testing";
import { beforeEach, expect, test } from "vitest";
import { type BlobKeeper, createBlobKeeper } from "./blob-keeper.ts";

let clock: VirtualClock;
let blobs: Blobs;
let keeper: BlobKeeper;
let sweeper: Sweeper;
let needed: Set<string>;
let failing: boolean;

beforeEach(() => {
  clock = createVirtualClock();
  blobs = createMemoryBlobs();
  keeper = createBlobKeeper({ blobs, clock });
  needed = new Set();
  failing = false;
  sweeper = createSweeper({
    blobs: { ...blobs, delete: (name) => keeper.delete(name) },
    clock,
    needed: async () => {
      if (failing) throw new Error("nobody knows what is needed");
      return needed;
    },
    spares: (name, sinceMs) => keeper.spares(name, sinceMs),
    onError: () => {},
  });
  sweeper.start();
});

async function put(text: string, to: Pick<Blobs, "put"> = blobs): Promise<string> {
  const bytes = Buffer.from(text);
  const name = createHash("sha256").update(bytes).digest("hex");
  await to.put(name, bytes);
  return name;
}

const graceAndSweeps = blobGraceMs + 2 * sweepMs;

test("what nothing needs goes after the grace, and what is needed stays", async () => {
  const waste = await put("waste");
  const kept = await put("kept");
  needed.add(kept);
  await pass(clock, blobGraceMs);
  expect(blobs.has(waste)).toBe(true);
  await pass(clock, 2 * sweepMs);
  expect(blobs.has(waste)).toBe(false);
  expect(blobs.has(kept)).toBe(true);
});

test("nothing goes while nobody knows what is needed", async () => {
  const waste = await put("waste");
  failing = true;
  await pass(clock, 2 * graceAndSweeps);
  expect(blobs.has(waste)).toBe(true);
  failing = false;
  await pass(clock, graceAndSweeps);
  expect(blobs.has(waste)).toBe(false);
});

test("old waste that a publish finds again is not removed under it, however long it takes", async () => {
  const found = await put("a part of long ago");
  const waste = await put("waste");
  // One sweep before its grace is over.
  await pass(clock, blobGraceMs);
  const { promise, resolve } = Promise.withResolvers<void>();
  const working = keeper.during(async () => {
    expect(keeper.blobs.has(found)).toBe(true);
    await promise;
  });
  await pass(clock, 10 * graceAndSweeps);
  expect(blobs.has(found)).toBe(true);
  expect(blobs.has(waste)).toBe(false);
  resolve();
  await working;
  await pass(clock, graceAndSweeps);
  expect(blobs.has(found)).toBe(false);
});

test("what a publish has written is spared until it ends, and for the grace after it was written", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let written = "";
  const working = keeper.during(async () => {
    written = await put("a new part", keeper.blobs);
    await promise;
  });
  await pass(clock, 3 * graceAndSweeps);
  expect(blobs.has(written)).toBe(true);
  resolve();
  await working;
  needed.add(written);
  await pass(clock, 3 * graceAndSweeps);
  expect(blobs.has(written)).toBe(true);
});

test("what was needed when a publish began is spared until it ends: it may stand on it", async () => {
  const ground = await put("the parent's part");
  needed.add(ground);
  await pass(clock, sweepMs);
  const { promise, resolve } = Promise.withResolvers<void>();
  const working = keeper.during(() => promise);
  needed.delete(ground);
  await pass(clock, 3 * graceAndSweeps);
  expect(blobs.has(ground)).toBe(true);
  resolve();
  await working;
  await pass(clock, sweepMs);
  expect(blobs.has(ground)).toBe(false);
});

test("publishes that follow each other without a pause keep waste for no longer than one of them", async () => {
  const waste = await put("waste");
  const ends: (() => void)[] = [];
  const begin = (): void => {
    const { promise, resolve } = Promise.withResolvers<void>();
    void keeper.during(() => promise);
    ends.push(resolve);
  };
  begin();
  for (let minute = 0; minute < 12; minute++) {
    await pass(clock, 60_000);
    begin();
    ends.shift()?.();
    await settle();
  }
  expect(blobs.has(waste)).toBe(false);
});

test("a blob that is on its way out is not found, and putting it waits until it has gone", async () => {
  const name = await put("once more");
  const gone = Promise.withResolvers<void>();
  const slow = createBlobKeeper({
    blobs: {
      ...blobs,
      async delete(its) {
        await gone.promise;
        await blobs.delete(its);
      },
    },
    clock,
  });
  const deleting = slow.delete(name);
  expect(slow.blobs.has(name)).toBe(false);
  const putting = put("once more", slow.blobs);
  await settle();
  gone.resolve();
  await deleting;
  await putting;
  expect(blobs.has(name)).toBe(true);
});
