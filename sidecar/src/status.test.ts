import { createVirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems } from "./origin.testing.ts";
import { createMemoryDisk } from "./store/memory-store.ts";

const items = pricedItems(20);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

test("a revert that runs ahead of a full disk is seen in the status: nobody believes that the version is still out", async () => {
  const clock = createVirtualClock();
  let full = false;
  const origin = await createTestOrigin({
    items,
    store: {
      id: "log-1",
      clock,
      disk: createMemoryDisk(),
      fate: () => (full ? { durable: false, answer: "DISK_FULL" } : { durable: true, answer: "ok" }),
    },
  });
  await origin.publish("prices", changed, "?release=true&thousandths=50000");
  expect((await origin.status()).datasets[0]).toMatchObject({ health: { ok: true }, release: { phase: "running" } });
  full = true;
  expect(await answerOf(origin.post("/v1/datasets/prices/revert", { reason: "wrong" }))).toMatchObject({
    outcome: "done",
    receipt: { durable: false },
  });
  // A revert is always ahead for a moment, which is no fault.
  expect((await origin.status()).datasets[0]).toMatchObject({ health: { ok: true }, release: null });
  origin.clock.advance(1_000);
  const { sequence, datasets } = await origin.status();
  expect(datasets[0]).toMatchObject({
    health: {
      ok: false,
      reasons: [
        "v2 is reverted and no new view sees it, but the log does not say so: the store does not take it",
        expect.stringContaining("no room is left on its disk"),
      ],
    },
    stable: { publish: 1 },
    candidate: null,
    release: null,
    revertCommand: null,
    lastRevert: { publish: 2, receipt: { durable: false } },
  });
  full = false;
  await answerOf(origin.post("/v1/datasets/prices/revert", { reason: "wrong" }));
  const after = await origin.status();
  expect(after.datasets[0]).toMatchObject({
    health: { ok: true },
    release: null,
    lastRevert: { publish: 2, cause: { reason: "wrong; in the log 1 s later" }, receipt: { durable: true } },
  });
  // What is not in the log has no number in it.
  expect(after.sequence).toBe(sequence + 1);
});

test("a part file that is gone while nobody ran is named in the status, and what stood on it is not called unpublished", async () => {
  const disk = createMemoryDisk();
  const store = { id: "log-1", clock: createVirtualClock(), disk };
  const before = await createTestOrigin({ items, store });
  await before.origin.close();
  const [part = ""] = await disk.blobs.list();
  expect(part).toMatch(/^[0-9a-f]{64}$/);
  await disk.blobs.delete(part);

  const origin = await createTestOrigin({ store });
  const [prices] = (await origin.status()).datasets;
  expect(prices?.health.ok).toBe(false);
  expect(prices?.health.reasons).toEqual([
    `v1 cannot be read: the only copy of part ${part} is missing or damaged; publish the file again that it was made of, or stop the instance, put it back into blobs/ from a backup or a sidecar's directory, start again`,
  ]);
  expect(await answerOf(origin.request("/v1/datasets/prices/items/sku-1"))).toMatchObject({
    code: "NOT_READY",
    detail: "v1 of prices cannot be read here (yet); sluice status says why",
  });
  expect(await answerOf(origin.publish("prices", changed))).toMatchObject({ code: "CORRUPT" });
});
