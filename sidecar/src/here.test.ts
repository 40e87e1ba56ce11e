import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Replica } from "@sluice/replica";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFleet, type Fleet } from "./fleet.testing.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-here-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Marked {
  readonly fleet: Fleet;
  readonly release: string;
  /** Follows the sidecar `host-7`. */
  readonly here: Replica;
  /** Follows the origin. */
  readonly elsewhere: Replica;
}

/** A release at 100 % that `host-7`, a sidecar with a disk, has taken back for itself. */
async function marked(): Promise<Marked> {
  const fleet = await createFleet();
  await fleet.sidecar("host-7", { directory: join(directory, "host-7") });
  await fleet.until(async () => (await fleet.status("host-7")).sequence > 0);
  const here = await fleet.app("app-7", ["host-7", "origin"], join(directory, "app-7"));
  const elsewhere = await fleet.app("app-8", ["origin"]);
  const release = await fleet.release(100_000);
  for (const replica of [here, elsewhere]) await fleet.until(() => holdsCandidate(replica));
  const answer = fleet.post("host-7", "/v1/here/prices/revert?wait=1000", { reason: "disk of this host" });
  await fleet.pass(200);
  expect(await answer).toMatchObject({
    status: 200,
    outcome: "done",
    message: "v2 of prices is reverted on host-7 alone: everybody else goes on",
    release,
    receipt: { action: "here-revert", expected: 1, confirmed: 1, durable: true },
  });
  return { fleet, release, here, elsewhere };
}

const holdsCandidate = (replica: Replica): boolean =>
  (replica.snapshot().datasets.get("prices")?.candidate ?? null) !== null;

/** Whether new views of a replica may show the release. */
const shows = (replica: Replica, release: string): boolean => !replica.snapshot().marks.has(release);

test("a revert here concerns the host and all who follow it, and nobody else", async () => {
  const { fleet, release, here, elsewhere } = await marked();
  expect([shows(here, release), shows(elsewhere, release)]).toEqual([false, true]);
  const read = async (host: string): Promise<unknown> =>
    (await fleet.get(host, "/v1/datasets/prices/items/sku-1"))["version"];
  expect([await read("host-7"), await read("origin")]).toEqual([1, 2]);
  // It comes to no event: the release goes on.
  expect((await fleet.status("origin")).datasets[0]?.release).toMatchObject({ id: release, phase: "baking" });
});

test("the origin and the host say who is on stable alone, and why", async () => {
  const { fleet, release } = await marked();
  await fleet.until(async () => (await fleet.status("origin")).datasets[0]?.here[0]?.followers === 2);
  await fleet.until(async () => (await fleet.status("host-7")).datasets[0]?.here[0]?.followers === 1);
  const here = {
    host: "host-7",
    release,
    publish: 2,
    by: { kind: "person", name: "anna" },
    reason: "disk of this host",
  };
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({
    here: [{ ...here, followers: 2 }],
    health: { ok: false, reasons: [expect.stringContaining("v2 is reverted on host-7 alone, by person anna")] },
  });
  expect((await fleet.status("host-7")).datasets[0]).toMatchObject({
    here: [{ ...here, followers: 1 }],
    health: { ok: false, reasons: [expect.stringContaining("sluice lift prices --here")] },
  });
});

test("lift ends it, on the host and for all who follow it", async () => {
  const { fleet, release, here } = await marked();
  const answer = fleet.post("host-7", "/v1/here/prices/lift?wait=1000");
  await fleet.pass(200);
  expect(await answer).toMatchObject({
    outcome: "done",
    receipt: { action: "here-lift", confirmed: 1, durable: true },
  });
  expect(shows(here, release)).toBe(true);
  await fleet.pass(200);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({ here: [], health: { ok: true } });
  expect(await fleet.post("host-7", "/v1/here/prices/lift")).toMatchObject({ outcome: "unchanged" });
});

test("a lift that was given to another instance is told where to give it, and has done nothing", async () => {
  const { fleet, release, here } = await marked();
  await fleet.until(async () => (await fleet.status("origin")).datasets[0]?.here.length === 1);
  expect(await fleet.post("origin", "/v1/here/prices/lift")).toMatchObject({
    code: "NOTHING_TO_REVERT",
    detail: "v2 of prices is not reverted on origin: it is on host-7, lift it there",
    details: { hosts: ["host-7"] },
  });
  expect(shows(here, release)).toBe(false);
});

test("it works with the origin and the store dead", async () => {
  const fleet = await createFleet();
  await fleet.sidecar("host-7");
  const here = await fleet.app("app-7", ["host-7"]);
  const release = await fleet.release(100_000);
  await fleet.pass(500);
  fleet.cut("origin");
  await fleet.pass(60_000);
  expect(await fleet.post("host-7", "/v1/here/prices/revert")).toMatchObject({ status: 200, outcome: "done" });
  await fleet.pass(100);
  expect(shows(here, release)).toBe(false);
  expect(await fleet.get("host-7", `/v1/releases/${release}/receipts/here-revert`)).toMatchObject({ confirmed: 1 });
  fleet.heal("origin");
  await fleet.pass(60_000);
  // Back with the origin it is neither forgotten nor made everybody's.
  expect(shows(here, release)).toBe(false);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({
    release: { id: release },
    here: [{ host: "host-7" }],
  });
});

test("it outlives the sidecar, and a lift outlives it too", async () => {
  const { fleet, release } = await marked();
  await fleet.until(() => existsSync(join(directory, "host-7", "position")));
  const restart = async (): Promise<Replica> => {
    fleet.cut("host-7");
    fleet.cut("origin");
    await fleet.sidecar("host-7", { directory: join(directory, "host-7") });
    fleet.heal("host-7");
    const replica = await fleet.app(`app-${fleet.clock.now()}`, ["host-7"]);
    await fleet.until(() => holdsCandidate(replica));
    return replica;
  };
  expect(shows(await restart(), release)).toBe(false);
  await fleet.post("host-7", "/v1/here/prices/lift");
  await fleet.pass(100);
  expect(shows(await restart(), release)).toBe(true);
  expect(shows(await restart(), release)).toBe(true);
});

test("an application that starts from its own disk heeds it, whomever it reaches or does not", async () => {
  const { fleet, release, here } = await marked();
  await here.close();
  fleet.cut("host-7");
  fleet.cut("origin");
  const again = await fleet.app("app-7-again", ["host-7", "origin"], join(directory, "app-7"));
  expect(shows(again, release)).toBe(false);
  fleet.heal("origin");
  await fleet.pass(20_000);
  expect(again.connection()).toMatchObject({ phase: "connected", url: "http://origin" });
  expect(shows(again, release)).toBe(false);
});

test("an application that goes over to the origin while it was lifted hears of it when it is back", async () => {
  const { fleet, release, here } = await marked();
  fleet.cut("app-7");
  await fleet.pass(100);
  await fleet.post("host-7", "/v1/here/prices/lift");
  expect(shows(here, release)).toBe(false);
  fleet.heal("app-7");
  await fleet.pass(10_000);
  if (here.connection().url === "http://origin") {
    fleet.cut("origin");
    await fleet.pass(10_000);
  }
  expect(here.connection().url).toBe("http://host-7");
  expect(shows(here, release)).toBe(true);
});

test("a sidecar without a disk is told by those who follow it what it has taken back before its restart", async () => {
  const fleet = await createFleet();
  await fleet.sidecar("host-7");
  const here = await fleet.app("app-7", ["host-7"]);
  const release = await fleet.release(100_000);
  await fleet.pass(500);
  await fleet.post("host-7", "/v1/here/prices/revert");
  await fleet.pass(100);
  fleet.cut("host-7");
  await fleet.sidecar("host-7");
  fleet.heal("host-7");
  await fleet.pass(10_000);
  expect((await fleet.status("host-7")).datasets[0]).toMatchObject({ here: [{ host: "host-7", release }] });
  expect(shows(here, release)).toBe(false);
  await fleet.post("host-7", "/v1/here/prices/lift");
  await fleet.pass(100);
  expect(shows(here, release)).toBe(true);
});

test("a sidecar that follows the host heeds it, and so do those behind it", async () => {
  const { fleet, release } = await marked();
  await fleet.sidecar("host-9", { follows: "host-7" });
  const behind = await fleet.app("app-9", ["host-9"]);
  await fleet.pass(2_000);
  expect(shows(behind, release)).toBe(false);
  await fleet.post("host-7", "/v1/here/prices/lift");
  await fleet.pass(100);
  expect(shows(behind, release)).toBe(true);
});

test("at the origin it concerns those who follow it directly and no sidecar", async () => {
  const fleet = await createFleet();
  await fleet.sidecar("host-7");
  const behind = await fleet.app("app-7", ["host-7"]);
  const direct = await fleet.app("app-8", ["origin"]);
  const release = await fleet.release(100_000);
  await fleet.pass(500);
  const answer = fleet.post("origin", "/v1/here/prices/revert?wait=1000");
  await fleet.pass(200);
  expect(await answer).toMatchObject({ receipt: { expected: 1, confirmed: 1, durable: true } });
  expect([shows(behind, release), shows(direct, release)]).toEqual([true, false]);
  await fleet.startOrigin();
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({ here: [{ host: "origin", release }] });
});

test("a revert for everybody ends it, and so does a promote", async () => {
  const { fleet, here, release } = await marked();
  await fleet.post("origin", `/v1/releases/${release}/promote`);
  await fleet.pass(200);
  expect((await fleet.status("host-7")).datasets[0]).toMatchObject({ here: [], release: null, stable: { publish: 2 } });
  const next = await fleet.release(100_000);
  await fleet.pass(500);
  expect(shows(here, next)).toBe(true);
  await fleet.post("origin", `/v1/releases/${next}/revert`);
  await fleet.pass(200);
  expect(await fleet.post("host-7", "/v1/here/prices/revert")).toMatchObject({ code: "NOTHING_TO_REVERT" });
});

test("where nothing is known there is nothing to take back, and a dataset that is not there is none", async () => {
  const fleet = await createFleet();
  fleet.cut("origin");
  await fleet.sidecar("host-7");
  await fleet.pass(100);
  expect(await fleet.post("host-7", "/v1/here/prices/revert")).toMatchObject({ status: 503, code: "NOT_READY" });
  fleet.heal("origin");
  await fleet.pass(10_000);
  expect(await fleet.post("host-7", "/v1/here/stock/revert")).toMatchObject({ code: "DATASET_UNKNOWN" });
  expect(await fleet.post("host-7", "/v1/here/prices/revert")).toMatchObject({
    code: "NOTHING_TO_REVERT",
    details: { stable: 1 },
  });
});
