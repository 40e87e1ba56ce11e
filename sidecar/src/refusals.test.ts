import { createVirtualClock, type VirtualClock } from "@sluice/core";
import type { Confirmation } from "@sluice/core/api";
import { pass, settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { createMemoryDisk, type WriteFate } from "./store/memory-store.ts";

const items = pricedItems(50);
const reason = 'checkout@host does not take it: prices "sku-1" of v2: price: expected a number';

type Running = TestOrigin & { release: string; refuse(follower: string, app?: string): Promise<void> };

/** A release whose plan goes on by time alone and requires the app `checkout`. */
async function running(
  store?: NonNullable<Parameters<typeof createTestOrigin>[0]>["store"],
  clock: VirtualClock = createVirtualClock(),
): Promise<Running> {
  const origin = await createTestOrigin({
    items,
    clock,
    plan: { promotion: null, requiredApps: ["checkout"] },
    ...(store === undefined ? {} : { store }),
  });
  const upload = { ...items, "sku-1": { price: "55", currency: "CNY" } };
  const release = String((await answerOf(origin.publish("prices", upload, "?release=true"))).release);
  return refusing(origin, release);
}

function refusing(origin: TestOrigin, release: string): Running {
  return {
    ...origin,
    release,
    async refuse(follower, app) {
      const confirmation: Confirmation = {
        follower,
        applied: 0,
        reverted: [],
        prepared: [],
        refused: [{ release, reason, ...(app === undefined ? {} : { app }) }],
      };
      await origin.post("/v1/confirmations", { confirmations: [confirmation], children: null });
      await settle();
    },
  };
}

const releaseOf = async (origin: TestOrigin): Promise<Record<string, unknown> | null | undefined> =>
  (await origin.status()).datasets[0]?.release as Record<string, unknown> | null | undefined;

test("a candidate that a process does not take is held with the reason, and goes no further by itself", async () => {
  const origin = await running();
  await origin.refuse("shop-1");
  expect(await releaseOf(origin)).toMatchObject({
    thousandths: 1_000,
    hold: { by: { kind: "alert", name: "refused" }, cause: { reason } },
  });
  origin.clock.advance(1_200_000);
  await settle();
  expect(await releaseOf(origin)).toMatchObject({ thousandths: 1_000 });
});

test("a bake of what a process does not take does not end, so that it can still be taken back", async () => {
  const origin = await running();
  await origin.post(`/v1/releases/${origin.release}/promote`, {});
  await origin.refuse("shop-1");
  origin.clock.advance(3_600_000);
  await settle();
  expect(await releaseOf(origin)).toMatchObject({ phase: "baking", hold: { by: { name: "refused" } } });
});

test("a person who resumes it is not asked again by the next process", async () => {
  const origin = await running();
  await origin.refuse("shop-1");
  await origin.post(`/v1/releases/${origin.release}/resume`, { reason: "an old test host" });
  await origin.refuse("shop-2");
  expect(await releaseOf(origin)).toMatchObject({ hold: null });
});

test("a refusal of a release that has ended, or never was, changes nothing", async () => {
  const origin = await running();
  await origin.post("/v1/datasets/prices/revert", {});
  const { sequence } = await origin.status();
  await origin.refuse("shop-1");
  expect((await origin.status()).sequence).toBe(sequence);
});

test("a candidate that a required application does not take is reverted, and one of another application is held", async () => {
  for (const [app, phase] of [
    ["checkout", null],
    ["check", "running"],
    ["search", "running"],
  ] as const) {
    const origin = await running();
    await origin.refuse("shop-1", app);
    expect([app, (await releaseOf(origin))?.["phase"] ?? null]).toEqual([app, phase]);
    if (phase === null) {
      const { lastRevert } = (await origin.status()).datasets[0] ?? {};
      expect(lastRevert).toMatchObject({ by: { kind: "guard", name: "refused" }, cause: { reason } });
    }
  }
});

test("a required application reverts what another one's refusal has held, and in the bake too", async () => {
  const origin = await running();
  await origin.refuse("search-1", "search");
  await origin.post(`/v1/releases/${origin.release}/promote`, {});
  await origin.refuse("shop-1", "checkout");
  expect(await releaseOf(origin)).toBeNull();
});

test("while the guard is off a required application's refusal waits, and everybody is told", async () => {
  const origin = await running();
  await origin.post(`/v1/releases/${origin.release}/guard-off`, { forMs: 60_000, reason: "a known bad item" });
  await origin.refuse("shop-1", "checkout");
  expect(await releaseOf(origin)).toMatchObject({ phase: "running", hold: null });
  expect((await origin.status()).datasets[0]?.health.reasons[0]).toBe(
    `${reason}; it is reverted for that when the guard is on again`,
  );
  origin.clock.advance(60_000);
  await settle();
  origin.clock.advance(1_000);
  await settle();
  expect(await releaseOf(origin)).toBeNull();
});

test("when the guard's time off is over a required application's refusal reverts ahead of a log that takes nothing", async () => {
  let full = false;
  const clock = createVirtualClock();
  const fate = (): WriteFate => ({ durable: !full, answer: full ? "DISK_FULL" : "ok" });
  const origin = await running({ id: "log-1", clock, disk: createMemoryDisk(), fate }, clock);
  await origin.post(`/v1/releases/${origin.release}/guard-off`, { forMs: 60_000, reason: "a known bad item" });
  full = true;
  await origin.refuse("shop-1", "checkout");
  await pass(clock, 59_000);
  expect(await releaseOf(origin)).toMatchObject({ phase: "running" });
  await pass(clock, 2_000);
  expect(await releaseOf(origin)).toBeNull();
  expect((await origin.status()).datasets[0]?.lastRevert).toMatchObject({
    by: { kind: "guard", name: "refused" },
    cause: { reason },
    receipt: { durable: false },
  });
});

test("a refusal that comes while somebody else holds is not lost: it holds when that hold has ended", async () => {
  const origin = await running();
  const act = (command: "hold" | "resume"): Promise<Response> =>
    origin.post(`/v1/releases/${origin.release}/${command}`, { reason: "lunch" });
  await act("hold");
  await origin.refuse("search-1", "search");
  expect(await releaseOf(origin)).toMatchObject({ hold: { by: { kind: "person" } } });
  expect((await origin.status()).datasets[0]?.health.reasons).toEqual([
    `${reason}; it is held for that when the hold in force has ended`,
  ]);
  await act("resume");
  await settle();
  expect(await releaseOf(origin)).toMatchObject({
    hold: { by: { kind: "alert", name: "refused" }, cause: { reason } },
  });
  await act("resume");
  await origin.refuse("search-2", "search");
  expect(await releaseOf(origin)).toMatchObject({ hold: null });
});

test("a person who takes the hold of a refusal over and goes to everybody is asked before the bake ends", async () => {
  const origin = await running();
  await origin.refuse("search-1", "search");
  await origin.post(`/v1/releases/${origin.release}/hold`, { reason: "mine" });
  expect(await releaseOf(origin)).toMatchObject({ hold: { by: { kind: "person" } } });
  await origin.post(`/v1/releases/${origin.release}/promote`, {});
  await settle();
  expect(await releaseOf(origin)).toMatchObject({ phase: "baking", hold: { by: { name: "refused" } } });
});

test("what a person resumed is not held again after a restart, when the processes come back and refuse it again", async () => {
  const store = { id: "log-1", disk: createMemoryDisk() };
  const before = await running(store);
  await before.refuse("search-1", "search");
  await before.post(`/v1/releases/${before.release}/resume`, { reason: "an old test host" });
  await before.origin.close();
  const origin = refusing(await createTestOrigin({ store, clock: before.clock }), before.release);
  await origin.refuse("search-1", "search");
  expect(await releaseOf(origin)).toMatchObject({ phase: "running", hold: null });
});
