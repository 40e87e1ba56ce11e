import { hash } from "node:crypto";
import { createVirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { blobGraceMs, createSweeper, sweepMs } from "./sweeper.ts";
import { pass } from "./turns.testing.ts";

const name = hash("sha256", "a blob");

async function create(change: Partial<Parameters<typeof createSweeper>[0]> = {}) {
  const clock = createVirtualClock();
  const blobs = createMemoryBlobs();
  await blobs.put(name, Buffer.from("a blob"));
  const sweeper = createSweeper({
    blobs,
    clock,
    needed: () => new Set(),
    onError: (error) => {
      throw error;
    },
    ...change,
  });
  sweeper.start();
  return { clock, blobs, sweeper };
}

test("what nobody needs goes after the grace", async () => {
  const { clock, blobs, sweeper } = await create();
  await pass(clock, blobGraceMs);
  expect(blobs.has(name)).toBe(true);
  await pass(clock, 2 * sweepMs);
  expect(blobs.has(name)).toBe(false);
  sweeper.close();
  expect(clock.nextInMs()).toBe(undefined);
});

test("what another touches now and then stays, whatever the times on its file say", async () => {
  let touchedMs = 5_000_000;
  const { clock, blobs } = await create({ touchedMs: async () => touchedMs });
  for (let minutes = 0; minutes < 30; minutes += 4) {
    // Another's clock may run backwards.
    touchedMs -= 1_000;
    await pass(clock, 4 * 60_000);
  }
  expect(blobs.has(name)).toBe(true);
  await pass(clock, blobGraceMs + 2 * sweepMs);
  expect(blobs.has(name)).toBe(false);
});

test("who may not delete sweeps nothing, and begins to count when it may", async () => {
  let may = false;
  const { clock, blobs } = await create({ mayDelete: () => may });
  await pass(clock, 3 * blobGraceMs);
  may = true;
  await pass(clock, blobGraceMs);
  expect(blobs.has(name)).toBe(true);
  await pass(clock, 2 * sweepMs);
  expect(blobs.has(name)).toBe(false);
});

test("what is needed again before the end of its grace begins anew", async () => {
  let needed = new Set<string>();
  const { clock, blobs } = await create({ needed: () => needed });
  await pass(clock, blobGraceMs - sweepMs);
  needed = new Set([name]);
  await pass(clock, sweepMs);
  needed = new Set();
  await pass(clock, blobGraceMs);
  expect(blobs.has(name)).toBe(true);
  await pass(clock, 2 * sweepMs);
  expect(blobs.has(name)).toBe(false);
});
