import { createVirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, failures, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { createMemoryDisk } from "./store/memory-store.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

/** Lets what was begun without being waited for come to its end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}

async function running(): Promise<TestOrigin & { release: string }> {
  const origin = await createTestOrigin({ items });
  const { release } = await answerOf(origin.publish("prices", changed, "?release=true&thousandths=5000"));
  return { ...origin, release: String(release) };
}

/** As many failures in the control as its share gives, and none in the candidate. */
const faded = { candidateOk: 100, controlFailures: 90, ok: 1_900 };

const holdOf = async (origin: TestOrigin): Promise<unknown> =>
  (await origin.status()).datasets[0]?.release?.hold?.by.kind ?? null;

async function report(
  origin: TestOrigin & { release: string },
  sequence: number,
  counts: Parameters<typeof failures>[2],
): Promise<void> {
  await origin.post("/v1/outcomes", failures(origin.release, sequence, counts));
  origin.clock.advance(250);
  await settle();
}

test("the guard holds what looks worse, and lets it go on when the evidence has faded", async () => {
  const origin = await running();
  await report(origin, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 });
  expect(await holdOf(origin)).toBe("guard");
  await report(origin, 2, faded);
  expect(await holdOf(origin)).toBe(null);
});

test("a person who resumes what the guard holds is not overruled by the same evidence, but by new one", async () => {
  const origin = await running();
  await report(origin, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 });
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "two known bad accounts" });
  await report(origin, 2, { ok: 400 });
  expect(await holdOf(origin)).toBe(null);
  await report(origin, 3, faded);
  await report(origin, 4, { candidateFailures: 3, ok: 300 });
  expect(await holdOf(origin)).toBe("guard");
});

test("evidence, and whether a person overruled it, outlive the process", async () => {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const before = await createTestOrigin({ items, store: { id: "log-1", clock, disk } });
  const { release } = await answerOf(before.publish("prices", changed, "?release=true&thousandths=5000"));
  const origin = { ...before, release: String(release) };
  await report(origin, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 });
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "two known bad accounts" });
  // Kept once a second.
  origin.clock.advance(1_000);
  await settle();
  const shown = (await origin.status()).datasets[0]?.release?.evidence;
  // Nothing is closed: the process was killed.
  const after = await createTestOrigin({ store: { id: "log-1", clock, disk } });
  after.clock.advance(250);
  await settle();
  expect((await after.status()).datasets[0]?.release).toMatchObject({
    hold: null,
    evidence: { candidateRequests: 20, comparativeEvidence: shown?.comparativeEvidence },
  });
  await after.post("/v1/outcomes", failures(origin.release, 1, { candidateFailures: 2, candidateOk: 18, ok: 400 }));
  expect((await after.status()).datasets[0]?.release?.evidence?.candidateRequests).toBe(20);
});
