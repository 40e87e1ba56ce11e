import { leaseMs } from "@sluice/core";
import type { FollowerStatus } from "@sluice/core/api";
import type { Replica } from "@sluice/replica";
import { expect, test } from "vitest";
import { createFleet, type Fleet } from "./fleet.testing.ts";

interface Tree {
  readonly fleet: Fleet;
  readonly release: string;
  /** Follows the sidecar `host-2`, which follows the origin. */
  readonly shop: Replica;
  /** Follows the sidecar `host-3`, which follows `host-2`. */
  readonly checkout: Replica;
}

/** A release at 30 % of which everybody behind two sidecars has said that they hold it. */
async function tree(plan: object = {}): Promise<Tree> {
  const fleet = await createFleet(plan);
  await fleet.sidecar("host-2");
  await fleet.until(async () => (await fleet.status("host-2")).sequence > 0);
  await fleet.sidecar("host-3", { follows: "host-2" });
  await fleet.until(async () => (await fleet.status("host-3")).sequence > 0);
  const shop = await fleet.app("shop", ["host-2"]);
  const checkout = await fleet.app("checkout", ["host-3"]);
  const release = await fleet.release(30_000);
  await isKnown(fleet);
  return { fleet, release, shop, checkout };
}

const followersOf = async (fleet: Fleet): Promise<readonly FollowerStatus[]> =>
  (await fleet.status("origin")).followers.list;

/** Waits until the origin knows of all four that they hold all that there is; anybody else is the past of one of them. */
async function isKnown(fleet: Fleet): Promise<void> {
  await fleet.until(async () => {
    const { sequence, followers, datasets } = await fleet.status("origin");
    const names = followers.list.filter(({ applied }) => applied === sequence).map(({ name }) => name);
    const { count = 0, of = 0 } = datasets[0]?.release?.prepared ?? {};
    return new Set(names).size === 4 && followers.total === 4 && count === of;
  });
}

const byName = ([a]: readonly unknown[], [b]: readonly unknown[]): number => (String(a) < String(b) ? -1 : 1);

/** Kills the origin and starts it again. Its followers' followers notice nothing of it. */
async function restart(fleet: Fleet): Promise<void> {
  await fleet.startOrigin();
  await fleet.until(async () => (await followersOf(fleet)).length === 4);
  // Longer than any jitter on two hops.
  await fleet.pass(500);
}

const healthOf = async (fleet: Fleet) => (await fleet.status("origin")).datasets[0]?.health;

const why = 'prices "sku-1" of v2: price: expected a number';

test("after a restart of the origin it knows again what everybody behind sidecars holds", async () => {
  const { fleet } = await tree();
  await restart(fleet);
  const { sequence, datasets } = await fleet.status("origin");
  expect((await followersOf(fleet)).map(({ name, via, applied }) => [name, via, applied]).sort(byName)).toEqual([
    ["checkout", "host-2", sequence],
    ["host-2", null, sequence],
    ["host-3", "host-2", sequence],
    ["shop", "host-2", sequence],
  ]);
  expect(datasets[0]?.release?.prepared).toEqual({ count: 4, of: 4 });
});

test.each(["shop", "checkout"] as const)(
  "a refusal by %s, behind sidecars, outlives a restart of the origin: whoever lets go of another hold is not past it",
  async (name) => {
    const { fleet, release, [name]: app } = await tree();
    app.refuse({ release, reason: why });
    await fleet.until(async () => (await healthOf(fleet))?.ok === false);
    await fleet.post("origin", `/v1/releases/${release}/hold`, { reason: "finance" });
    const reason = `${name} does not take it: ${why}`;
    const health = { ok: false, reasons: [`${reason}; it is held for that when the hold in force has ended`] };
    expect(await healthOf(fleet)).toEqual(health);
    await restart(fleet);
    expect(await healthOf(fleet)).toEqual(health);
    await fleet.post("origin", `/v1/releases/${release}/resume`, { reason: "finance is content" });
    await fleet.pass(100);
    expect((await fleet.status("origin")).datasets[0]?.release).toMatchObject({
      hold: { by: { kind: "alert", name: "refused" }, cause: { reason } },
    });
  },
);

test.each(["shop", "checkout"] as const)(
  "a refusal by %s, which the plan requires, reverts after a restart of the origin within the time that the guard is off",
  async (name) => {
    const { fleet, release, [name]: app } = await tree({ requiredApps: [name] });
    await fleet.post("origin", `/v1/releases/${release}/guard-off`, { forMs: 30_000, reason: "a known bad item" });
    app.refuse({ release, reason: why });
    await fleet.pass(1_000);
    await restart(fleet);
    expect((await fleet.status("origin")).datasets[0]?.release).toMatchObject({ phase: "running" });
    await fleet.pass(30_000);
    const [prices] = (await fleet.status("origin")).datasets;
    expect(prices).toMatchObject({
      release: null,
      lastRevert: { by: { kind: "guard", name: "refused" }, cause: { reason: `${name} does not take it: ${why}` } },
    });
  },
);

test("a step that fell due while the origin was down waits for what followers have refused meanwhile", async () => {
  const steps = [30_000, 60_000].map((thousandths) => ({ thousandths, holdMs: 20_000 }));
  const { fleet, release, shop } = await tree({ automatic: true, promotion: null, steps });
  fleet.cut("origin");
  shop.refuse({ release, reason: why });
  await fleet.pass(20_000);
  await fleet.startOrigin();
  fleet.heal("origin");
  await fleet.pass(leaseMs);
  expect((await fleet.status("origin")).datasets[0]?.release).toMatchObject({
    thousandths: 30_000,
    hold: { by: { kind: "alert", name: "refused" }, cause: { reason: `shop does not take it: ${why}` } },
  });
});

test("a step that fell due while the origin was down is taken once a lease is over", async () => {
  const steps = [30_000, 60_000].map((thousandths) => ({ thousandths, holdMs: 20_000 }));
  const { fleet } = await tree({ automatic: true, promotion: null, steps });
  fleet.cut("origin");
  await fleet.pass(20_000);
  await fleet.startOrigin();
  fleet.heal("origin");
  await fleet.pass(leaseMs + 500);
  expect((await fleet.status("origin")).datasets[0]?.release).toMatchObject({ thousandths: 60_000, hold: null });
});

test("a wall clock that jumps within the lease after a start brings no step", async () => {
  const steps = [30_000, 60_000].map((thousandths) => ({ thousandths, holdMs: 3_600_000 }));
  const { fleet } = await tree({ automatic: true, promotion: null, steps });
  await fleet.startOrigin();
  await fleet.pass(1_000);
  fleet.clock.jumpWall(7_200_000);
  await fleet.pass(leaseMs);
  expect((await fleet.status("origin")).datasets[0]?.release).toMatchObject({ thousandths: 30_000, hold: null });
});

test("what a host behind a sidecar has taken back for itself is shown after a restart of the origin, and not lifted in its place", async () => {
  const { fleet, release } = await tree();
  const answer = fleet.post("host-3", "/v1/here/prices/revert", { reason: "disk of this host" });
  await fleet.pass(500);
  expect(await answer).toMatchObject({ status: 200, outcome: "done" });
  await restart(fleet);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({
    health: { ok: false, reasons: [expect.stringContaining("v2 is reverted on host-3 alone")] },
    here: [{ host: "host-3", release, followers: 2 }],
  });
  expect(await fleet.post("origin", "/v1/here/prices/lift")).toMatchObject({
    code: "NOTHING_TO_REVERT",
    details: { hosts: ["host-3"] },
  });
});

test("a receipt that an origin took to its grave is whole again when those behind sidecars have said what they hold", async () => {
  const { fleet, release } = await tree();
  const receipt = async (): Promise<unknown> => (await fleet.status("origin")).datasets[0]?.lastRevert?.receipt;
  const isWhole = async (): Promise<boolean> => {
    const { missing, confirmed } = (await receipt()) as { missing: readonly string[]; confirmed: number };
    return missing.length === 0 && confirmed === 4;
  };
  fleet.cut("host-2");
  await fleet.post("origin", "/v1/datasets/prices/revert", { reason: "wrong" });
  // It is written down with nobody in it, and those who come within the next half second are not.
  await fleet.pass(1_000);
  expect(await receipt()).toMatchObject({ release, expected: 4, confirmed: 0 });
  fleet.heal("host-2");
  await fleet.until(isWhole);
  await fleet.startOrigin();
  expect(await receipt()).toMatchObject({ confirmed: 0 });
  await fleet.until(isWhole);
});

test("a sidecar that was away for longer than the lease says of those behind it what they said meanwhile and before", async () => {
  const { fleet } = await tree();
  fleet.cut("origin");
  await fleet.pass(leaseMs * 2);
  expect(await followersOf(fleet)).toEqual([]);
  fleet.heal("origin");
  await isKnown(fleet);
});

test.each(["host-2", "host-3"])(
  "after a restart of the sidecar %s everybody behind it is known for what they hold",
  async (host) => {
    for (const awayMs of [0, leaseMs * 2]) {
      const { fleet, release, checkout } = await tree();
      checkout.refuse({ release, reason: why });
      fleet.cut(host);
      await fleet.pass(awayMs);
      fleet.heal(host);
      await fleet.sidecar(host, host === "host-3" ? { follows: "host-2" } : {});
      await isKnown(fleet);
      // And so does the sidecar itself, which will say it after the next restart of the origin.
      await restart(fleet);
      await isKnown(fleet);
      expect(await healthOf(fleet)).toMatchObject({ ok: false, reasons: [expect.stringContaining(why)] });
    }
  },
);
