import { createVirtualClock, leaseMs } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { createMemoryDisk, type WriteFate } from "./store/memory-store.ts";
import { vanishedMs } from "./vanished.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

/** Moves on and lets what falls due come to its end. */
async function pass(origin: TestOrigin, durationMs: number): Promise<void> {
  origin.clock.advance(durationMs);
  await settle();
}

/** A process that follows; what it gives ends its connection. */
async function follow(origin: TestOrigin, name: string, kind = "sdk"): Promise<() => Promise<void>> {
  const response = await origin.request(`/v1/follow?id=${name}&name=${name}&kind=${kind}`);
  const reader = response.body?.getReader();
  // What nobody reads would be ended by its sender.
  const read = async (): Promise<void> => {
    while ((await reader?.read())?.done === false);
  };
  void read();
  return async () => reader?.cancel();
}

interface Fleet extends TestOrigin {
  readonly release: string;
  /** Connections end and nothing is said. */
  crash(...names: readonly string[]): Promise<void>;
  leave(...names: readonly string[]): Promise<void>;
  hold(): Promise<{ by: { name: string }; cause: { reason: string } } | null>;
}

/** A release that has just started, with `count` processes, shop-1, shop-2, … that read it. */
async function fleetOf(
  count: number,
  options: { kind?: "sdk" | "sidecar"; fate?: () => WriteFate } = {},
): Promise<Fleet> {
  const { kind = "sdk", fate = () => ({ durable: true, answer: "ok" }) } = options;
  const clock = createVirtualClock();
  const origin = await createTestOrigin({
    items,
    clock,
    store: { id: "log-1", clock, disk: createMemoryDisk(), fate },
  });
  const streams = new Map<string, () => Promise<void>>();
  for (let index = 1; index <= count; index++) {
    streams.set(`shop-${index}`, await follow(origin, `shop-${index}`, kind));
  }
  await pass(origin, 1_000);
  const { release } = await answerOf(origin.publish("prices", changed, "?release=true&thousandths=5000"));
  return {
    ...origin,
    release: String(release),
    async crash(...names) {
      for (const name of names) await streams.get(name)?.();
    },
    async leave(...names) {
      await origin.post("/v1/confirmations", { confirmations: [], children: null, left: names });
      for (const name of names) await streams.get(name)?.();
    },
    hold: async () => (await origin.status()).datasets[0]?.release?.hold ?? null,
  };
}

test("a release is held when more than a fifth of the processes vanish after its step, and it says which", async () => {
  const fleet = await fleetOf(9);
  await pass(fleet, 5_000);
  await fleet.crash("shop-2", "shop-7");
  await pass(fleet, leaseMs);
  expect(await fleet.hold()).toBeNull();
  await pass(fleet, 10);
  expect(await fleet.hold()).toMatchObject({
    by: { kind: "guard", name: "vanished" },
    cause: { reason: "2 of 9 processes vanished within 30 s of the step to 5 %: shop-2, shop-7" },
  });
  // Nothing of the comparison lets it go.
  await pass(fleet, 60_000);
  expect((await fleet.hold())?.by.name).toBe("vanished");
});

test("a fifth is not more than a fifth, and one process is never enough", async () => {
  for (const [count, crashed] of [
    [10, ["shop-1", "shop-2"]],
    [1, ["shop-1"]],
    [2, ["shop-2"]],
  ] as const) {
    const fleet = await fleetOf(count);
    await pass(fleet, 5_000);
    await fleet.crash(...crashed);
    await pass(fleet, leaseMs + 1_000);
    expect([count, await fleet.hold()]).toEqual([count, null]);
  }
});

test("processes that vanish one after the other are added up", async () => {
  const fleet = await fleetOf(4);
  await fleet.crash("shop-1");
  await pass(fleet, 20_000);
  expect(await fleet.hold()).toBeNull();
  await fleet.crash("shop-2");
  await pass(fleet, leaseMs + 1_000);
  expect((await fleet.hold())?.by.name).toBe("vanished");
});

test("who went before the step, or long after it, is not put down to it", async () => {
  const origin = await createTestOrigin({ items });
  const streams = await Promise.all(["shop-1", "shop-2", "shop-3"].map((name) => follow(origin, name)));
  await pass(origin, 1_000);
  for (const end of streams.slice(0, 2)) await end();
  await pass(origin, 1_000);
  await origin.publish("prices", changed, "?release=true&thousandths=5000");
  await pass(origin, 60_000);
  expect((await origin.status()).datasets[0]?.release?.hold).toBeNull();

  const fleet = await fleetOf(3);
  await pass(fleet, vanishedMs + 1_000);
  await fleet.crash("shop-1", "shop-2", "shop-3");
  await pass(fleet, leaseMs + 1_000);
  expect(await fleet.hold()).toBeNull();
});

test("each step counts anew", async () => {
  const fleet = await fleetOf(3);
  await pass(fleet, 2 * vanishedMs);
  await fleet.post(`/v1/releases/${fleet.release}/percentage`, { thousandths: 25_000, epoch: null });
  await fleet.post(`/v1/releases/${fleet.release}/resume`, { reason: "go on" });
  await pass(fleet, 1_000);
  await fleet.crash("shop-1", "shop-2");
  await pass(fleet, leaseMs + 1_000);
  expect((await fleet.hold())?.cause.reason).toContain("the step to 25 %");
});

test("who says goodbye, or is no application, is not lost", async () => {
  const fleet = await fleetOf(3);
  await fleet.leave("shop-1", "shop-2");
  await pass(fleet, leaseMs + 1_000);
  expect(await fleet.hold()).toBeNull();

  const sidecars = await fleetOf(3, { kind: "sidecar" });
  await sidecars.crash("shop-1", "shop-2", "shop-3");
  await pass(sidecars, leaseMs + 1_000);
  expect(await sidecars.hold()).toBeNull();
});

test("a person who resumes it is not asked again until the next step", async () => {
  const fleet = await fleetOf(6);
  await fleet.crash("shop-1", "shop-2");
  await pass(fleet, leaseMs + 1_000);
  await fleet.post(`/v1/releases/${fleet.release}/resume`, { reason: "two test hosts" });
  await fleet.crash("shop-3", "shop-4");
  await pass(fleet, leaseMs + 1_000);
  expect(await fleet.hold()).toBeNull();
});

test("a release that is over is not held", async () => {
  const fleet = await fleetOf(3);
  await fleet.crash("shop-1", "shop-2");
  await fleet.post("/v1/datasets/prices/revert", {});
  const { sequence } = await fleet.status();
  await pass(fleet, leaseMs + 1_000);
  expect((await fleet.status()).sequence).toBe(sequence);
});

test("processes that vanish while a person holds are said in status, and hold the release when that person lets go", async () => {
  const fleet = await fleetOf(9);
  const resume = (): Promise<Response> => fleet.post(`/v1/releases/${fleet.release}/resume`, { reason: "go on" });
  await fleet.post(`/v1/releases/${fleet.release}/percentage`, { thousandths: 25_000, epoch: null });
  await pass(fleet, 5_000);
  await fleet.crash("shop-2", "shop-7");
  await pass(fleet, leaseMs + 1_000);
  const reason = "2 of 9 processes vanished within 30 s of the step to 25 %: shop-2, shop-7";
  expect((await fleet.hold())?.by.name).not.toBe("vanished");
  expect((await fleet.status()).datasets[0]?.health).toEqual({
    ok: false,
    reasons: [`${reason}; it is held for that when the hold in force has ended`],
  });
  await resume();
  await pass(fleet, 10);
  expect(await fleet.hold()).toMatchObject({ by: { name: "vanished" }, cause: { reason } });
  await resume();
  await pass(fleet, 60_000);
  expect(await fleet.hold()).toBeNull();
});

test("processes that vanish while the guard is off hold the release when it is on again", async () => {
  const fleet = await fleetOf(3);
  await fleet.post(`/v1/releases/${fleet.release}/guard-off`, { forMs: 60_000, reason: "a known fault" });
  await fleet.crash("shop-1", "shop-2");
  await pass(fleet, leaseMs + 1_000);
  expect(await fleet.hold()).toBeNull();
  expect((await fleet.status()).datasets[0]?.health.reasons).toContainEqual(
    expect.stringMatching(/2 of 3 processes vanished .* when the guard is on again/),
  );
  await pass(fleet, 60_000);
  await pass(fleet, 1_000);
  expect((await fleet.hold())?.by.name).toBe("vanished");
});

test("a hold that the store did not take is tried again by itself, and said meanwhile", async () => {
  let isDown = false;
  const fleet = await fleetOf(3, {
    fate: () => (isDown ? { durable: false, answer: "STORE_UNAVAILABLE" } : { durable: true, answer: "ok" }),
  });
  await fleet.crash("shop-1", "shop-2");
  isDown = true;
  await pass(fleet, leaseMs + 1_000);
  expect(await fleet.hold()).toBeNull();
  expect((await fleet.status()).datasets[0]?.health.reasons).toContainEqual(
    expect.stringMatching(/2 of 3 processes vanished .* the store does not take/),
  );
  isDown = false;
  await pass(fleet, 5_000);
  await pass(fleet, 5_000);
  expect((await fleet.hold())?.by.name).toBe("vanished");
});

test("a step by hand over a hold for vanished processes is a person's word on it", async () => {
  const fleet = await fleetOf(3);
  await fleet.crash("shop-1", "shop-2");
  await pass(fleet, leaseMs + 1_000);
  await fleet.post(`/v1/releases/${fleet.release}/percentage`, { thousandths: 1_000, epoch: null });
  await fleet.post(`/v1/releases/${fleet.release}/resume`, { reason: "seen" });
  await pass(fleet, 10);
  expect(await fleet.hold()).toBeNull();
});
