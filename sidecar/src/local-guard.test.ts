import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, defaultGuardConfig, emptyState } from "@sluice/core";
import type { Replica, Snapshot } from "@sluice/replica";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFleet, type Fleet } from "./fleet.testing.ts";
import { createLocalGuard, cutOffMs, type LocalGuard, localConfig } from "./local-guard.ts";
import { releaseStateOf } from "./release-state.testing.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-local-guard-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface CutOff {
  readonly fleet: Fleet;
  readonly app: Replica;
  readonly release: string;
  /** Views of the candidate, and of the control, that came to nothing or to something. */
  outcomes(counts: { failed?: number; ok?: number; control?: number }): void;
}

/** Whether it is there by now: what compresses and unpacks it takes its time, however far the clock is moved on. */
const hasCandidate = (app: Replica): boolean => (app.snapshot().datasets.get("prices")?.candidate ?? null) !== null;

/** A release at `thousandths` on a host whose sidecar and application are cut off from the origin. */
async function cutOff(thousandths: number, sidecarDirectory?: string, plan: object = {}): Promise<CutOff> {
  const fleet = await createFleet(plan);
  await fleet.sidecar("host-7", sidecarDirectory === undefined ? {} : { directory: sidecarDirectory });
  await fleet.until(async () => (await fleet.status("host-7")).sequence > 0);
  const app = await fleet.app("app-7", ["host-7"]);
  const release = await fleet.release(thousandths);
  await fleet.until(() => hasCandidate(app));
  fleet.cut("origin");
  await fleet.pass(cutOffMs + 500);
  let unit = 0;
  const report = (arm: "candidate" | "control", failure: string | null): void => {
    unit += 1;
    const its = arm === "candidate" ? unit % Math.max(1, thousandths) : thousandths + (unit % 1_000);
    const epoch = app.snapshot().state.releases[release]?.epoch ?? 1;
    app.reporter.outcome({ release, epoch, arm, unit: its, failure });
  };
  return {
    fleet,
    app,
    release,
    outcomes({ failed = 0, ok = 0, control = 0 }) {
      for (let count = 0; count < failed; count++) report("candidate", "error");
      for (let count = 0; count < ok; count++) report("candidate", null);
      for (let count = 0; count < control; count++) report("control", null);
    },
  };
}

const isOut = ({ app, release }: CutOff): boolean => !app.snapshot().marks.has(release);

/** Failures and successes for some seconds. */
async function serve(world: CutOff, counts: Parameters<CutOff["outcomes"]>[0], quarters = 20): Promise<void> {
  for (let quarter = 0; quarter < quarters; quarter++) {
    world.outcomes(counts);
    await world.fleet.pass(250);
  }
}

test("a cut-off sidecar reverts what fails, at once for those who follow it, and says so", async () => {
  const world = await cutOff(20_000);
  await serve(world, { failed: 6, ok: 0, control: 40 }, 12);
  expect(isOut(world)).toBe(false);
  expect((await world.fleet.status("host-7")).datasets[0]).toMatchObject({
    release: null,
    lastRevert: { by: { kind: "guard", name: "comparative on host-7" } },
  });
});

test("back with the origin, the revert is in the log with the sidecar's evidence, and everybody's", async () => {
  const world = await cutOff(20_000);
  const { fleet, release } = world;
  await serve(world, { failed: 6, control: 40 }, 12);
  fleet.heal("origin");
  const elsewhere = await fleet.app("app-8", ["origin"]);
  await fleet.pass(10_000);
  const [dataset] = (await fleet.status("origin")).datasets;
  expect(dataset).toMatchObject({
    release: null,
    stable: { publish: 1 },
    lastRevert: {
      release,
      by: { kind: "guard", name: "comparative on host-7" },
      cause: {
        reason: expect.stringMatching(
          /^host-7, cut off from the origin for \d+ s, saw this alone: \d+ of \d+ requests failed in the candidate/,
        ),
        evidence: { thousandths: 20_000 },
      },
    },
  });
  expect(dataset?.lastRevert?.cause.evidence?.candidateFailures).toBeGreaterThan(5);
  expect(elsewhere.snapshot().state.releases[release]?.phase).toBe("reverted");
});

/** Whether a file is there by now and has some text in it: a disk takes its time, however far the clock is moved on. */
const hasWritten = (path: string, text: string): boolean =>
  existsSync(path) && readFileSync(path, "utf8").includes(text);

/** Some seconds in which the candidate fails and the control does not. */
async function fail(fleet: Fleet, app: Replica, release: string): Promise<void> {
  for (let quarter = 0; quarter < 20; quarter++) {
    for (let unit = 0; unit < 6; unit++) {
      app.reporter.outcome({ release, epoch: 1, arm: "candidate", unit: quarter * 6 + unit, failure: "error" });
    }
    for (let count = 0; count < 40; count++) {
      app.reporter.outcome({ release, epoch: 1, arm: "control", unit: 50_000, failure: null });
    }
    await fleet.pass(250);
  }
}

test("a sidecar with contact leaves it to the origin, whatever it has seen", async () => {
  // An origin that wants more than any sidecar ever does.
  const fleet = await createFleet({ guard: { alpha: 1e-200, absolute: [] } });
  await fleet.sidecar("host-7");
  const app = await fleet.app("app-7", ["host-7"]);
  const release = await fleet.release(20_000);
  await fleet.until(() => hasCandidate(app));
  await fail(fleet, app, release);
  expect(app.snapshot().marks.has(release)).toBe(false);
  fleet.cut("origin");
  await fleet.pass(cutOffMs - 2_500);
  expect(app.snapshot().marks.has(release)).toBe(false);
  await fleet.pass(3_500);
  expect(app.snapshot().marks.has(release)).toBe(true);
});

test("a cut-off sidecar heeds that the guard is off, for as long as a person said", async () => {
  const fleet = await createFleet();
  await fleet.sidecar("host-7");
  const app = await fleet.app("app-7", ["host-7"]);
  const release = await fleet.release(20_000);
  await fleet.until(() => hasCandidate(app));
  await fleet.post("origin", `/v1/releases/${release}/guard-off`, { forMs: 30_000, reason: "known" });
  await fleet.until(() => (app.snapshot().state.releases[release]?.guardOff ?? null) !== null);
  await fail(fleet, app, release);
  fleet.cut("origin");
  await fleet.pass(cutOffMs + 1_000);
  expect(app.snapshot().marks.has(release)).toBe(false);
  // As NTP does it after a boot; that no time has passed the other clock knows.
  fleet.clock.jumpWall(3_600_000);
  await fleet.pass(1_000);
  expect(app.snapshot().marks.has(release)).toBe(false);
  await fleet.pass(30_000);
  expect(app.snapshot().marks.has(release)).toBe(true);
});

test("it takes more evidence than with the origin: few failures revert nothing", async () => {
  const world = await cutOff(20_000);
  world.outcomes({ failed: 4, control: 16 });
  await world.fleet.pass(1_000);
  expect(isOut(world)).toBe(true);
});

test("an outage that both arms share reverts nothing", async () => {
  const world = await cutOff(50_000);
  const { app, release, fleet } = world;
  for (let quarter = 0; quarter < 40; quarter++) {
    for (let count = 0; count < 10; count++) {
      const unit = quarter * 10 + count;
      app.reporter.outcome({ release, epoch: 1, arm: "candidate", unit, failure: "error" });
      app.reporter.outcome({ release, epoch: 1, arm: "control", unit: 50_000 + unit, failure: "error" });
    }
    await fleet.pass(250);
  }
  expect(isOut(world)).toBe(true);
});

test("in the bake only the absolute rule can act, and does", async () => {
  const world = await cutOff(100_000);
  await serve(world, { failed: 10, ok: 10 }, 24);
  expect(isOut(world)).toBe(false);
  expect((await world.fleet.status("host-7")).datasets[0]?.lastRevert?.by).toEqual({
    kind: "guard",
    name: "absolute on host-7",
  });
});

test("a revert wins against a promotion that happened meanwhile, in the bake too", async () => {
  const world = await cutOff(20_000);
  const { fleet, release } = world;
  await fleet.origin().post(`/v1/releases/${release}/promote`, {});
  await serve(world, { failed: 6, control: 40 }, 12);
  expect((await fleet.status("origin")).datasets[0]?.release).toMatchObject({ phase: "baking" });
  fleet.heal("origin");
  await fleet.pass(10_000);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({ release: null, stable: { publish: 1 } });
});

test("a revert wins although the guard was turned off meanwhile: followers have it already", async () => {
  const world = await cutOff(20_000);
  const { fleet, release } = world;
  await fleet.origin().post(`/v1/releases/${release}/guard-off`, { forMs: 600_000, reason: "known" });
  await serve(world, { failed: 6, control: 40 }, 12);
  fleet.heal("origin");
  await fleet.pass(10_000);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({ release: null, lastRevert: { release } });
});

test("what was completed meanwhile is not reverted, and the log says who wanted to and why, once", async () => {
  const world = await cutOff(20_000);
  const { fleet, release, app } = world;
  await fleet.origin().post(`/v1/releases/${release}/promote`, {});
  await fleet.origin().post(`/v1/releases/${release}/promote`, {});
  await serve(world, { failed: 6, control: 40 }, 12);
  expect(isOut(world)).toBe(false);
  fleet.heal("origin");
  await fleet.pass(20_000);
  expect((await fleet.status("origin")).datasets[0]).toMatchObject({ release: null, stable: { publish: 2 } });
  const log = await fleet.origin().request("/v1/log?from=0&limit=1000");
  const alerts = (await log.text()).split("\n").filter((line) => line.includes("cut-off-revert"));
  expect(alerts).toHaveLength(1);
  expect(JSON.parse(alerts[0] ?? "")).toMatchObject({
    event: {
      release,
      labels: { by: "guard comparative on host-7", reason: expect.stringContaining("host-7, cut off") },
    },
  });
  expect(app.snapshot().datasets.get("prices")?.stable?.number).toBe(2);
});

test("the mark outlives the sidecar's process, and so does the reason for it", async () => {
  const where = join(directory, "host-7");
  const world = await cutOff(20_000, where);
  const { fleet } = world;
  await serve(world, { failed: 6, control: 40 }, 12);
  await fleet.until(() => readdirSync(where).some((name) => /^marks\..*\d$/.test(name)));
  fleet.cut("app-7");
  await fleet.sidecar("host-7", { directory: where });
  fleet.heal("origin");
  await fleet.until(async () => (await fleet.status("origin")).datasets[0]?.release === null);
  expect((await fleet.status("origin")).datasets[0]?.lastRevert).toMatchObject({
    by: { name: "comparative on host-7" },
    cause: { evidence: { thousandths: 20_000 } },
  });
});

test("evidence outlives the process with a disk, and begins anew without one", async () => {
  const some = { failed: 1, control: 20 };
  for (const where of [join(directory, "kept"), undefined]) {
    // An origin that wants more than any sidecar ever does: what is reverted here, the sidecar has reverted.
    const world = await cutOff(20_000, where, { guard: { alpha: 1e-200, absolute: [] } });
    const { fleet, app, release } = world;
    await serve(world, some, 5);
    expect(isOut(world)).toBe(true);
    if (where !== undefined) {
      await fleet.until(() => hasWritten(join(where, "position"), release));
      await fleet.until(() => hasWritten(join(where, "guard.host-7"), '"candidateFailures":5,'));
    }
    const again = await fleet.sidecar("host-7", where === undefined ? {} : { directory: where });
    if (where === undefined) {
      fleet.heal("origin");
      await fleet.until(() => again.connection().phase === "connected");
      await fleet.pass(1_000);
      fleet.cut("origin");
    }
    await fleet.pass(cutOffMs + 500);
    expect(app.connection().phase).toBe("connected");
    await serve(world, some, 5);
    if (where === undefined) {
      expect(isOut(world)).toBe(true);
      await serve(world, some, 5);
    }
    await fleet.until(() => !isOut(world));
  }
});

test("a sidecar's share of the budget is a thousandth, half for each kind of rule, whatever rules the plan has", () => {
  const [rule] = defaultGuardConfig.absolute;
  if (rule === undefined) throw new Error("there is a default rule");
  const config = localConfig({ ...defaultGuardConfig, absolute: [rule, { ...rule, mode: "literal" }] });
  expect(config.alpha).toBeCloseTo(1e-6, 12);
  expect(config.absolute.map(({ alpha, mode }) => [alpha, mode])).toEqual([
    [expect.closeTo(5e-7, 12), "confirmed"],
    [expect.closeTo(5e-7, 12), "evidence"],
  ]);
  expect(localConfig({ ...defaultGuardConfig, absolute: [] }).absolute).toEqual([]);
});

test("a position on disk from before the evidence beside it keeps no sidecar from starting", async () => {
  const release = releaseStateOf();
  let text: string | null = null;
  const guard = (snapshot: Snapshot): LocalGuard =>
    createLocalGuard({
      host: "host-7",
      clock: createVirtualClock(),
      logger: pino({ level: "silent" }),
      snapshot: () => snapshot,
      contactAgeMs: () => 0,
      present: () => undefined,
      file: {
        read: async () => text,
        write: async (json) => void (text = json),
        stamp: () => null,
        remove: async () => undefined,
      },
    });
  const at = (epoch: number, thousandths: number): Snapshot => ({
    log: "log-1",
    state: { ...emptyState, releases: { r: { ...release, epoch, thousandths } } },
    datasets: new Map(),
    marks: new Set(),
  });
  const first = guard(at(1, 5_000));
  await first.start();
  first.follow(at(4, 50_000));
  await first.close();
  expect(text).toContain('"epoch":4');
  expect(text).toContain('"guardOff":[]');
  const next = guard(at(2, 20_000));
  await next.start();
  next.follow(at(5, 90_000));
  await next.close();
  expect(text).toContain('"epoch":5');
});

test("a host that reverted by itself does not say that everybody has: not in its status, not to who reverts it there", async () => {
  const world = await cutOff(20_000);
  await serve(world, { failed: 6, control: 40 }, 16);
  const reach =
    /is reverted( already,)? on host-7 and those who follow it; the origin has not heard of it \(no contact for \d+ s\)$/;
  const { outcome, message } = await world.fleet.post("host-7", "/v1/here/prices/revert");
  expect([outcome, message]).toEqual(["unchanged", expect.stringMatching(reach)]);
  expect((await world.fleet.status("host-7")).datasets[0]?.health).toEqual({
    ok: false,
    reasons: [expect.stringMatching(reach)],
  });
});

test("what a cut-off sidecar offers is what works there", async () => {
  const { fleet } = await cutOff(100_000);
  expect((await fleet.status("host-7")).datasets[0]?.revertCommand).toBe("sluice revert prices --here");
  expect(await fleet.post("host-7", "/v1/datasets/prices/revert")).toMatchObject({
    code: "NOT_ORIGIN",
    detail: expect.stringMatching(/give them there \(no contact for \d+ s; this host alone can be reverted here\)$/),
  });
  fleet.heal("origin");
  await fleet.pass(20_000);
  expect((await fleet.status("host-7")).datasets[0]?.revertCommand).toBe("sluice revert prices");
});
