import { expect, test } from "vitest";
import { defaultGuardConfig } from "./config.ts";
import { createGuard, ingest, tickGuard } from "./guard.ts";
import { arm, config, play, quiet, start } from "./guard.testing.ts";
import type { ArmReport } from "./report.ts";

const slow = (requests: number, count: number, distinct = count): ArmReport => ({
  ok: requests - count,
  failures: { slow: { count, distinct } },
  units: [],
});

test("slow requests are a stream of their own, and no failures to the totals, the units and the absolute rules", () => {
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 100 }, start);
  const report = { epoch: 1, candidate: slow(50, 4), control: slow(950, 76) };
  const { action, evidence } = play(
    guard,
    Array.from({ length: 20 }, () => report),
  );
  expect(action).toBe("none");
  expect(evidence).toMatchObject({
    candidateRequests: 1000,
    candidateFailures: 0,
    controlRequests: 19_000,
    controlFailures: 0,
    kinds: [
      { kind: "slow", candidateFailures: 80, controlFailures: 1520, candidateDistinct: 80 },
      { kind: "other", candidateFailures: 0, controlFailures: 0, evidence: 1 },
    ],
    unitEvidence: null,
  });
  expect(evidence.absoluteEvidence[0]?.window).toMatchObject({ candidateRequests: 1000, candidateFailures: 0 });
  // A report that has slow requests alone says nothing of whether its reporter knows units.
  expect(guard.unitsKnown).toBeUndefined();
});

test("a candidate that is slow is reverted by the comparison, and one user who is slow again and again is not enough", () => {
  const config = { ...defaultGuardConfig, slowMs: 100 };
  const broken = { epoch: 1, candidate: slow(20, 20), control: slow(950, 5) };
  expect(play(createGuard(config, start), [quiet, broken])).toMatchObject({ action: "revert", rule: "comparative" });
  const two = { epoch: 1, candidate: slow(20, 20, 2), control: slow(9_500, 0) };
  const verdict = play(createGuard(config, { epoch: 1, thousandths: 100 }), [two]);
  expect(verdict).toMatchObject({ action: "hold", evidence: { failuresMinReached: false } });
});

test("slow requests count towards the failures that a revert needs, with units and without", () => {
  const config = { ...defaultGuardConfig, slowMs: 100, failuresMin: 4 };
  const mixed: ArmReport = {
    ok: 10,
    failures: { error: { count: 2, distinct: 2 }, slow: { count: 2, distinct: 1 } },
    units: [1, 2],
  };
  const guard = createGuard(config, start);
  expect(play(guard, [{ ...quiet, candidate: mixed }]).evidence.failuresMinReached).toBe(false);
  expect(play(guard, [{ ...quiet, candidate: slow(50, 1) }], 2).evidence.failuresMinReached).toBe(true);
  const unitless = createGuard(config, start);
  expect(play(unitless, [{ ...quiet, candidate: { ...mixed, units: [] } }]).evidence.failuresMinReached).toBe(false);
  expect(play(unitless, [{ ...quiet, candidate: slow(50, 1) }], 2).evidence.failuresMinReached).toBe(true);
});

test("a report of slow requests closes its block of units as one without failures does", () => {
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 100, toleratedExtraRate: 0.01 }, start);
  ingest(guard, { ...quiet, candidate: arm(50, 1, { units: [3] }) });
  const before = guard.unitStream.logEvidence;
  ingest(guard, { ...quiet, candidate: slow(50, 5) });
  // Fifty requests in which no unit failed for the first time speak for a candidate that may fail a little more.
  expect(guard.unitStream.logEvidence).toBeLessThan(before);
});

test("where the plan names no limit a slow request is a success, and never a failure of another kind", () => {
  const { action, evidence } = play(createGuard(defaultGuardConfig, start), [
    quiet,
    { epoch: 1, candidate: slow(50, 50), control: arm(950) },
  ]);
  expect(action).toBe("none");
  expect(evidence).toMatchObject({ candidateRequests: 100, candidateFailures: 0, failuresMinReached: false });
  expect(evidence.kinds).toMatchObject([{ kind: "other", candidateFailures: 0, evidence: 1 }]);
});

test("where the plan names no limit nobody who is slow is remembered", () => {
  const guard = createGuard(defaultGuardConfig, start);
  const { evidence } = play(guard, [{ ...quiet, candidate: { ...slow(50, 3), slowUnits: [1, 2, 3] } }]);
  expect([evidence.failuresMinReached, guard.recentSlowUnits.size]).toEqual([false, 0]);
});

test("three users who are slow are the three that a revert needs", () => {
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 100 }, start);
  const reachedBy = (slowUnits: number[]) =>
    play(guard, [{ ...quiet, candidate: { ...slow(50, slowUnits.length), slowUnits } }]).evidence.failuresMinReached;
  expect([reachedBy([1, 2]), reachedBy([3])]).toEqual([false, true]);
});

test("users who are slow take nothing from the users who failed beside them", () => {
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 100 }, start);
  const failures = { slow: { count: 2, distinct: 2 }, error: { count: 2, distinct: 2 } };
  const candidate = { ok: 46, failures, units: [1, 2], slowUnits: [3, 4] };
  expect(play(guard, [{ ...quiet, candidate }]).evidence.kinds).toMatchObject([
    { kind: "slow", candidateDistinct: 2 },
    { kind: "other", candidateDistinct: 2 },
  ]);
});

test("a failure that is reported as other is other", () => {
  const guard = createGuard({ ...config, kinds: ["below-cost"] }, start);
  const { evidence } = play(guard, [{ ...quiet, candidate: arm(50, 2, { kind: "other" }) }]);
  expect(evidence.kinds).toMatchObject([
    { kind: "below-cost", candidateFailures: 0 },
    { kind: "other", candidateFailures: 2 },
  ]);
});

test("one user who is slow every other minute never makes the three users that a revert needs", () => {
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 100 }, { epoch: 1, thousandths: 100 });
  const again = {
    epoch: 1,
    candidate: { ...slow(20, 1), slowUnits: [3] },
    control: { ...slow(9_500, 0), slowUnits: [] },
  };
  for (let minute = 0; minute < 20; minute += 2) {
    tickGuard(guard, minute * 60_000);
    ingest(guard, again);
  }
  expect(tickGuard(guard, 1_200_000).evidence).toMatchObject({
    failuresMinReached: false,
    kinds: [{ kind: "slow", candidateDistinct: 10 }, { kind: "other" }],
  });
});
