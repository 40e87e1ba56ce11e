import { createGuard, defaultGuardConfig, ingest, tickGuard } from "@sluice/core";
import type { ReleaseReport } from "@sluice/core/api";
import { outcomeBatchSchema } from "@sluice/core/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createOutcomeTally,
  distinctUnitsMax,
  distinctWindowMs,
  kindsMax,
  type Outcome,
  reportsMax,
  unitsMax,
} from "./outcome-tally.ts";

const outcome = (change: Partial<Outcome> = {}): Outcome => ({
  release: "r1",
  epoch: 1,
  arm: "candidate",
  unit: 1,
  failure: null,
  ...change,
});
const failed = (change: Partial<Outcome> = {}): Outcome => outcome({ failure: "http", ...change });
const takeOne = (tally: ReturnType<typeof createOutcomeTally>): ReleaseReport | undefined => tally.take(1)[0];

test("outcomes are counted by release, step and arm, and taken once", () => {
  const tally = createOutcomeTally();
  tally.add(outcome(), 0);
  tally.add(failed({ unit: 7 }), 0);
  tally.add(outcome({ arm: "control" }), 0);
  tally.add(outcome({ epoch: 2 }), 0);
  tally.served("r1", 1, "candidate");
  expect(tally.take(10)).toEqual([
    {
      release: "r1",
      epoch: 1,
      candidate: { ok: 1, failures: { http: { count: 1, distinct: 1 } }, units: [7] },
      control: { ok: 1, failures: {}, units: [] },
      served: { candidate: 1, stable: 0 },
    },
    {
      release: "r1",
      epoch: 2,
      candidate: { ok: 1, failures: {}, units: [] },
      control: { ok: 0, failures: {}, units: [] },
      served: { candidate: 0, stable: 0 },
    },
  ]);
  expect(tally.isEmpty()).toBe(true);
});

test("a unit that keeps failing is distinct once, and again only after 60 s without a failure", () => {
  const tally = createOutcomeTally();
  tally.add(failed(), 0);
  tally.add(failed(), distinctWindowMs - 1);
  // Every failure starts the window anew.
  tally.add(failed(), 2 * distinctWindowMs - 2);
  expect(takeOne(tally)?.candidate.failures).toEqual({ http: { count: 3, distinct: 1 } });
  tally.add(failed(), 3 * distinctWindowMs - 2);
  expect(takeOne(tally)?.candidate.failures).toEqual({ http: { count: 1, distinct: 1 } });
});

test("units of two releases are two keys", () => {
  const tally = createOutcomeTally();
  tally.add(failed({ release: "r1" }), 0);
  tally.add(failed({ release: "r2" }), 0);
  expect(tally.take(2).map(({ candidate }) => candidate.failures["http"]?.distinct)).toEqual([1, 1]);
});

test("the longest silent of the units that failed are forgotten past the bound", () => {
  const tally = createOutcomeTally();
  for (let unit = 0; unit < distinctUnitsMax; unit++) tally.add(failed({ unit }), 0);
  tally.add(failed({ unit: 0 }), 0);
  tally.add(failed({ unit: distinctUnitsMax }), 0);
  tally.take(reportsMax);
  tally.add(failed({ unit: 0 }), 1);
  tally.add(failed({ unit: 1 }), 1);
  expect(takeOne(tally)?.candidate.failures).toEqual({ http: { count: 2, distinct: 1 } });
});

test("kinds past the bound are counted as other", () => {
  const tally = createOutcomeTally();
  for (let kind = 0; kind < 100; kind++) tally.add(failed({ failure: `kind-${kind}`, unit: kind }), 0);
  const failures = takeOne(tally)?.candidate.failures ?? {};
  expect(Object.keys(failures).length).toBe(kindsMax);
  expect(failures["other"]).toEqual({ count: 100 - kindsMax + 1, distinct: 100 - kindsMax + 1 });
});

test("slow requests have a place of their own, past the bound of kinds too", () => {
  const tally = createOutcomeTally();
  for (let kind = 0; kind < 100; kind++) tally.add(failed({ failure: `kind-${kind}`, unit: kind }), 0);
  tally.add(failed({ failure: "slow", unit: 500 }), 0);
  tally.add(failed({ failure: "one-more", unit: 501 }), 0);
  const failures = takeOne(tally)?.candidate.failures ?? {};
  expect(failures["slow"]).toEqual({ count: 1, distinct: 1 });
  expect(failures["other"]?.count).toBe(100 - kindsMax + 2);
});

test("a slow request names its unit apart, and neither hides a failure of its user nor is hidden by one", () => {
  const tally = createOutcomeTally();
  tally.add(failed({ failure: "slow" }), 0);
  tally.add(failed(), 0);
  tally.add(failed({ failure: "slow" }), 1);
  tally.add(failed({ failure: "slow", unit: 2 }), 1);
  expect(takeOne(tally)?.candidate).toEqual({
    ok: 0,
    failures: { slow: { count: 3, distinct: 2 }, http: { count: 1, distinct: 1 } },
    units: [1],
    slowUnits: [1, 2],
  });
});

test("slow users past a report's bound go into the next report, and their requests with them", () => {
  const tally = createOutcomeTally();
  for (let unit = 0; unit < unitsMax + 10; unit++) tally.add(failed({ failure: "slow", unit }), 0);
  tally.add(failed({ failure: "slow", arm: "control", unit: 90_000 }), 0);
  const merged = createOutcomeTally();
  for (const report of tally.take(10)) merged.merge(report);
  const [first, second, ...more] = merged.take(10);
  expect(first?.candidate.slowUnits?.length).toBe(unitsMax);
  expect(first?.candidate.failures["slow"]?.count).toBe(unitsMax);
  expect(second?.candidate.slowUnits?.length).toBe(10);
  expect(second?.control.slowUnits).toEqual([90_000]);
  expect(more).toEqual([]);
});

test("slow requests that name their users and such that do not are never merged", () => {
  const merged = createOutcomeTally();
  const slow = createOutcomeTally();
  slow.add(failed({ failure: "slow" }), 0);
  const [report] = slow.take(1);
  if (report === undefined) throw new Error("there is a report");
  const { slowUnits: _slowUnits, ...unnamed } = report.candidate;
  for (const candidate of [report.candidate, unnamed, report.candidate]) merged.merge({ ...report, candidate });
  expect(merged.take(10).map(({ candidate }) => [candidate.slowUnits, candidate.failures["slow"]?.count])).toEqual([
    [[1], 2],
    [undefined, 1],
  ]);
});

test("users who are slow in ten processes are counted once each", () => {
  const thousandths = 5_000;
  const processes = Array.from({ length: 10 }, () => createOutcomeTally());
  sharedOutage(1_000, thousandths, (each) => {
    if (each.unit % 10 === 0) for (const process of processes) process.add({ ...each, failure: "slow" }, 0);
  });
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 1_000 }, { epoch: 1, thousandths });
  for (const process of processes) for (const report of process.take(reportsMax)) ingest(guard, report);
  const [kind] = guard.requestStreams;
  expect(kind).toMatchObject({ kind: "slow" });
  const users = new Set<number>();
  sharedOutage(1_000, thousandths, ({ unit }) => unit % 10 === 0 && users.add(unit));
  expect((kind?.candidateDistinct ?? 0) + (kind?.controlDistinct ?? 0)).toBe(users.size);
});

test("outcomes of two strata are never one report, and those of a process have its own", () => {
  const north = createOutcomeTally({ stratum: "north" });
  north.add(outcome(), 0);
  north.add(failed(), 0);
  north.served("r1", 1, "candidate");
  const merged = createOutcomeTally();
  const [report] = north.take(1);
  if (report === undefined) throw new Error("the north has a report");
  expect(report).toMatchObject({ stratum: "north", candidate: { ok: 1 }, served: { candidate: 1 } });
  const { stratum: _north, ...elsewhere } = report;
  for (const each of [report, elsewhere, report, { ...report, stratum: "south" }]) merged.merge(each);
  expect(merged.take(10).map(({ stratum, candidate }) => [stratum ?? null, candidate.ok])).toEqual([
    ["north", 2],
    [null, 1],
    ["south", 1],
  ]);
});

test("a release and a stratum are not taken for another pair that is spelt alike", () => {
  const tally = createOutcomeTally();
  const [report] = (() => {
    const one = createOutcomeTally();
    one.add(outcome(), 0);
    return one.take(1);
  })();
  if (report === undefined) throw new Error("there is a report");
  tally.merge({ ...report, release: "r1", stratum: "2" });
  tally.merge({ ...report, release: "r12" });
  expect(tally.take(10)).toHaveLength(2);
});

test("units past a report's bound go into the next report, and their failures with them", () => {
  const tally = createOutcomeTally();
  for (let unit = 0; unit < unitsMax + 10; unit++) tally.add(failed({ unit }), 0);
  tally.add(failed({ arm: "control", unit: 90_000 }), 0);
  const [first, second, ...more] = tally.take(10);
  expect(first?.candidate.units.length).toBe(unitsMax);
  expect(first?.candidate.failures["http"]?.count).toBe(unitsMax);
  expect(second?.candidate.units.length).toBe(10);
  expect(second?.control.units).toEqual([90_000]);
  expect(more).toEqual([]);
});

/** Failures of users at random, of both arms alike, as reports and straight from them. */
function sharedOutage(users: number, thousandths: number, take: (outcome: Outcome) => void): void {
  let state = 11;
  for (let user = 0; user < users; user++) {
    // Lehmer's generator: any order of users that knows nothing of the arms will do.
    state = (state * 48_271) % 2_147_483_647;
    const unit = state % 100_000;
    take(failed({ unit, arm: unit < thousandths ? "candidate" : "control" }));
  }
}

function evidenceOf(reports: readonly ReleaseReport[], thousandths: number): number {
  const guard = createGuard(defaultGuardConfig, { epoch: 1, thousandths });
  for (const report of reports) ingest(guard, report);
  return tickGuard(guard, 250).evidence.comparativeEvidence;
}

test("an outage of both arms that reaches more users than a report holds is no evidence against the candidate", () => {
  const thousandths = 5_000;
  const tally = createOutcomeTally();
  sharedOutage(4_000, thousandths, (each) => tally.add(each, 0));
  const reports = tally.take(reportsMax);
  expect(reports.flatMap(({ control }) => control.units).length).toBeGreaterThan(10 * unitsMax);
  expect(evidenceOf(reports, thousandths)).toBeLessThan(10);
});

test("the same outage is no evidence where a sidecar has merged what many processes saw", () => {
  const thousandths = 5_000;
  const processes = Array.from({ length: 20 }, () => createOutcomeTally());
  let next = 0;
  sharedOutage(4_000, thousandths, (each) => processes[next++ % processes.length]?.add(each, 0));
  const merged = createOutcomeTally();
  for (const process of processes) for (const report of process.take(reportsMax)) merged.merge(report);
  const reports = merged.take(reportsMax);
  for (const { candidate, control } of reports) {
    expect(Math.max(candidate.units.length, control.units.length)).toBeLessThanOrEqual(unitsMax);
  }
  expect(evidenceOf(reports, thousandths)).toBeLessThan(10);
});

/** What a sidecar sends up of both, having merged them in each of 20 batches. */
function mergedBatches(sources: readonly { readonly users: number; readonly knowsUnits: boolean }[]): ReleaseReport[] {
  const merged = createOutcomeTally();
  const processes = sources.map((source) => ({ ...source, tally: createOutcomeTally(), outcomes: [] as Outcome[] }));
  for (const { users, outcomes } of processes) sharedOutage(users, 5_000, (each) => outcomes.push(each));
  return Array.from({ length: 20 }, (_, batch) => {
    for (const { tally, outcomes, users, knowsUnits } of processes) {
      const size = users / 20;
      for (const each of outcomes.slice(batch * size, (batch + 1) * size)) tally.add(each, 0);
      for (const { candidate, control, ...rest } of tally.take(reportsMax)) {
        if (knowsUnits) merged.merge({ ...rest, candidate, control });
        else merged.merge({ ...rest, candidate: { ...candidate, units: [] }, control: { ...control, units: [] } });
      }
    }
    return merged.take(reportsMax);
  }).flat();
}

test("a process that knows no units and one that does, merged by a sidecar, are no evidence against a good release", () => {
  const reports = mergedBatches([
    { users: 80, knowsUnits: true },
    { users: 2_000, knowsUnits: false },
  ]);
  expect(evidenceOf(reports, 5_000)).toBeLessThan(10);
  // Each report is of one sort, in each arm.
  for (const { candidate, control } of reports) {
    for (const { units, failures } of [candidate, control]) {
      if (units.length > 0) expect(units).toHaveLength(failures["http"]?.count ?? 0);
    }
  }
  const failures = reports.flatMap(({ candidate, control }) => [candidate, control].map((arm) => arm.failures["http"]));
  expect(failures.reduce((sum, each) => sum + (each?.count ?? 0), 0)).toBe(2_080);
});

test("past the bound the oldest count is dropped whole, and that is said", () => {
  const tally = createOutcomeTally();
  for (let epoch = 1; epoch <= reportsMax + 1; epoch++) tally.add(outcome({ epoch }), 0);
  expect(tally.dropped()).toBe(1);
  const reports = tally.take(1_000);
  expect(reports.length).toBe(reportsMax);
  expect(reports[0]?.epoch).toBe(2);
});

test("a kind of any name crosses the wire", () => {
  const tally = createOutcomeTally();
  for (const failure of ["constructor", "toString", "", "x".repeat(100)]) tally.add(failed({ failure }), 0);
  const batch = { reporter: "a", sequence: 1, reports: tally.take(1) };
  const read = outcomeBatchSchema.parse(JSON.parse(JSON.stringify(batch)));
  expect(Object.keys(read.reports[0]?.candidate.failures ?? {})).toEqual([
    "constructor",
    "toString",
    "other",
    "x".repeat(64),
  ]);
});

test("merging what two reporters counted is counting what both saw, but for the distinct, which are summed", () => {
  const outcomes = fc.array(
    fc.record({
      release: fc.constantFrom("r1", "r2"),
      epoch: fc.integer({ min: 1, max: 3 }),
      arm: fc.constantFrom("candidate" as const, "control" as const),
      unit: fc.integer({ min: 0, max: 40 }),
      failure: fc.option(fc.constantFrom("http", "below-cost")),
    }),
  );
  fc.assert(
    fc.property(outcomes, outcomes, (first, second) => {
      const [one, two, merged, both] = [0, 0, 0, 0].map(() => createOutcomeTally());
      if (one === undefined || two === undefined || merged === undefined || both === undefined) return;
      for (const each of first) one.add(each, 0);
      for (const each of second) two.add(each, 0);
      for (const each of [...first, ...second]) both.add(each, 0);
      for (const report of [...one.take(100), ...two.take(100)]) merged.merge(report);
      expect(sorted(merged.take(100))).toEqual(sorted(both.take(100)));
    }),
  );
});

function armOf({ ok, failures, units }: ReleaseReport["candidate"]): unknown {
  const counts = Object.entries(failures).map(([kind, { count }]) => [kind, count] as const);
  return { ok, units: [...units].sort((a, b) => a - b), failures: Object.fromEntries(counts) };
}

function sorted(reports: readonly ReleaseReport[]): unknown {
  return reports
    .map(({ candidate, control, ...rest }) => ({ ...rest, candidate: armOf(candidate), control: armOf(control) }))
    .sort((a, b) => a.epoch - b.epoch || (a.release < b.release ? -1 : 1));
}
