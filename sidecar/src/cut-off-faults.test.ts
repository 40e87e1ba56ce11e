import { leaseMs } from "@sluice/core";
import type { DatasetStatus } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createFleet, type Fleet } from "./fleet.testing.ts";
import { cutOffMs } from "./local-guard.ts";

/** A sidecar behind a sidecar, and a release at a percentage with a plan that goes on by time alone. */
async function running(thousandths: number): Promise<Fleet> {
  const fleet = await createFleet({
    automatic: true,
    promotion: null,
    steps: [
      { thousandths: 5_000, holdMs: 60_000 },
      { thousandths: 25_000, holdMs: 60_000 },
    ],
  });
  await fleet.sidecar("host-2");
  await fleet.until(async () => (await fleet.status("host-2")).sequence > 0);
  await fleet.sidecar("host-3", { follows: "host-2" });
  await fleet.release(thousandths);
  await fleet.until(async () => (await pricesAt(fleet)).release?.prepared.count === 0);
  return fleet;
}

async function pricesAt(fleet: Fleet): Promise<DatasetStatus> {
  const [prices] = (await fleet.status("host-3")).datasets;
  return prices ?? ({} as DatasetStatus);
}

/** Cuts the sidecar between and waits until the last contact of the other one is so long ago. */
async function cutFor(fleet: Fleet, ageMs: number): Promise<void> {
  fleet.cut("host-2");
  await fleet.until(async () => ((await fleet.status("host-3")).following?.contactAgeMs ?? 0) >= ageMs);
}

test("whose lease is over says that nobody there sees the candidate, and promises no step", async () => {
  const fleet = await running(5_000);
  expect(await pricesAt(fleet)).toMatchObject({ health: { ok: true }, release: { next: { thousandths: 25_000 } } });
  await cutFor(fleet, 28_000);
  expect(await pricesAt(fleet)).toMatchObject({
    health: {
      ok: false,
      reasons: [
        "0 % here: no contact for 28 s with the origin, over http://host-2, the lease of 10 s is over, and everybody here sees v1",
      ],
    },
    release: { phase: "running", next: null },
    revertCommand: "sluice revert prices --here",
  });
  fleet.heal("host-2");
  await fleet.until(async () => (await pricesAt(fleet)).health.ok);
  expect((await pricesAt(fleet)).release).toMatchObject({ next: { thousandths: 25_000 } });
});

test("a connection that is made anew within three heartbeats is no fault, and from then on the end of the lease is said", async () => {
  const fleet = await running(5_000);
  await cutFor(fleet, cutOffMs - 1_000);
  expect((await pricesAt(fleet)).health.ok).toBe(true);
  await cutFor(fleet, leaseMs - 3_000);
  expect((await pricesAt(fleet)).health.reasons).toEqual([
    "no contact for 7 s with the origin, over http://host-2: nobody here sees v2 from the end of the lease of 10 s on",
  ]);
});

test("in a bake everybody there goes on seeing the candidate, which is said until it is reverted there", async () => {
  const fleet = await running(100_000);
  await cutFor(fleet, 28_000);
  expect(await pricesAt(fleet)).toMatchObject({
    health: {
      ok: false,
      reasons: [
        "no contact for 28 s with the origin, over http://host-2: everybody here goes on seeing v2, and would if it was reverted elsewhere",
      ],
    },
    release: { phase: "baking", next: null },
  });
  const answer = fleet.post("host-3", "/v1/here/prices/revert", { reason: "to be sure" });
  await fleet.pass(1_000);
  expect(await answer).toMatchObject({ outcome: "done" });
  expect((await pricesAt(fleet)).health.reasons).toEqual([expect.stringContaining("v2 is reverted on host-3 alone")]);
});

test("where nothing is released it is not known whether it still is so", async () => {
  const fleet = await running(5_000);
  await fleet.post("origin", "/v1/datasets/prices/revert", { reason: "wrong" });
  await fleet.pass(1_000);
  expect(await pricesAt(fleet)).toMatchObject({ health: { ok: true }, release: null });
  await cutFor(fleet, 28_000);
  expect((await pricesAt(fleet)).health.reasons).toEqual([
    "no contact for 28 s with the origin, over http://host-2: what has happened to prices since is not known here",
  ]);
});
