import { expect, test } from "vitest";
import { defaultGuardConfig, slotMs } from "./config.ts";
import { guardAction } from "./decision.ts";
import { createGuard, epochsMax, ingest, stepGuard, strataMax, tickGuard } from "./guard.ts";
import { arm, broken, config, play, quiet, start } from "./guard.testing.ts";

test("a candidate that is no worse than the control is left alone", () => {
  const reports = Array.from({ length: 100 }, () => ({ ...quiet, control: arm(950, 10) }));
  const { action, rule, evidence } = play(createGuard(config, start), reports);
  expect({ action, rule }).toEqual({ action: "none", rule: null });
  expect(evidence.comparativeEvidence).toBeLessThan(1);
  expect(evidence).toMatchObject({ controlRequests: 95_000, controlFailures: 1000, candidateRequests: 5000 });
});

test("a candidate that fails every request is reverted at the next tick, and the evidence says why", () => {
  const { action, rule, evidence } = play(createGuard(config, start), [quiet, broken]);
  expect({ action, rule }).toEqual({ action: "revert", rule: "comparative" });
  expect(evidence.comparativeEvidence).toBeGreaterThanOrEqual(evidence.threshold);
  expect(evidence).toMatchObject({
    epoch: 1,
    thousandths: 5000,
    comparison: "on",
    candidateRequests: 70,
    candidateFailures: 20,
    controlRequests: 1900,
    controlFailures: 0,
    unitEvidence: null,
    failuresMinReached: true,
  });
  expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence);
});

test("a revert stays a revert, with the evidence that it was made on", () => {
  const guard = createGuard(config, start);
  const first = play(guard, [broken]);
  const later = play(
    guard,
    Array.from({ length: 500 }, () => ({ ...quiet, control: arm(950, 100) })),
    2,
  );
  expect(later).toEqual(first);
  expect(guardAction(guard)).toBe("revert");
});

test("two failing users hold a release and do not revert it; the third does", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 100 });
  const two = { epoch: 1, candidate: arm(2, 2), control: arm(100_000) };
  expect(play(guard, [two])).toMatchObject({
    action: "hold",
    rule: "comparative",
    evidence: { failuresMinReached: false },
  });
  expect(play(guard, [{ ...two, candidate: arm(2, 1) }], 2).action).toBe("revert");
});

test("the same unit failing again and again is one failing user", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 100 });
  const one = { epoch: 1, candidate: arm(2, 2, { units: [7] }), control: arm(1000) };
  const verdict = play(
    guard,
    Array.from({ length: 50 }, () => one),
  );
  expect(verdict).toMatchObject({ action: "hold", evidence: { candidateFailures: 100, failuresMinReached: false } });
});

test("weak evidence holds, and the hold ends with the evidence", () => {
  const guard = createGuard(config, start);
  const verdict = play(guard, [{ ...quiet, candidate: arm(50, 2) }]);
  expect(verdict).toMatchObject({ action: "hold", rule: "comparative" });
  expect(verdict.evidence.comparativeEvidence).toBeLessThan(verdict.evidence.threshold);
  expect(play(guard, [{ ...quiet, control: arm(950, 60) }], 2).action).toBe("none");
});

test("units are compared with each report, requests only once a slot", () => {
  const guard = createGuard(config, start);
  tickGuard(guard, 1000);
  ingest(guard, { ...broken, candidate: arm(20, 2, { units: [1, 2] }) });
  const between = tickGuard(guard, 1020).evidence;
  expect(between.requestEvidence).toBe(1);
  expect(between.unitEvidence).toBeGreaterThan(20);
  const after = tickGuard(guard, 1250).evidence;
  expect(after.requestEvidence).toBeGreaterThan(20);
  expect(after.unitEvidence).toBe(between.unitEvidence);
  expect(after.comparativeEvidence).toBeCloseTo(((after.unitEvidence ?? 0) + after.requestEvidence) / 2, 6);
});

test("units alone can revert between two ticks", () => {
  const guard = createGuard(config, start);
  tickGuard(guard, 1000);
  ingest(guard, { ...broken, candidate: arm(20, 5, { units: [1, 2, 3, 4, 5] }) });
  expect(tickGuard(guard, 1001)).toMatchObject({ action: "revert", rule: "comparative" });
});

test("whether units count is decided by the first failure and not by evidence", () => {
  const guard = createGuard(config, start);
  const without = play(guard, [
    { ...quiet, control: arm(950, 1) },
    { ...quiet, candidate: arm(50, 1, { units: [3] }) },
  ]);
  expect(without.evidence.unitEvidence).toBeNull();
  expect(without.evidence.comparativeEvidence).toBe(without.evidence.requestEvidence);
});

test("how the reports of a slot are cut does not change the request stream", () => {
  const whole = play(createGuard(config, start), [quiet, { ...quiet, candidate: arm(50, 2), control: arm(950, 3) }]);
  const cut = createGuard(config, start);
  play(cut, [quiet]);
  for (const candidate of [arm(20, 2), arm(30)]) ingest(cut, { epoch: 1, candidate, control: arm(0) });
  for (const control of [arm(900, 1), arm(50, 2)]) ingest(cut, { epoch: 1, candidate: arm(0), control });
  expect(tickGuard(cut, 2 * slotMs)).toEqual(whole);
});

test("declared kinds are compared by themselves and others together, and the evidence is their mean", () => {
  const guard = createGuard({ ...config, kinds: ["below-cost", "stale"] }, start);
  const failures = {
    "below-cost": { count: 9, distinct: 6 },
    odd: { count: 1, distinct: 1 },
    strange: { count: 2, distinct: 1 },
  };
  const { evidence } = play(guard, [{ ...quiet, candidate: { ok: 38, failures, units: [] }, control: arm(950, 40) }]);
  expect(evidence.candidateRequests).toBe(50);
  expect(evidence.kinds).toMatchObject([
    { kind: "below-cost", candidateFailures: 9, candidateDistinct: 6, controlFailures: 0 },
    { kind: "stale", candidateFailures: 0, controlFailures: 0, evidence: 1 },
    { kind: "other", candidateFailures: 3, candidateDistinct: 2, controlFailures: 40, controlDistinct: 40 },
  ]);
  const mean = evidence.kinds.reduce((sum, kind) => sum + kind.evidence, 0) / 3;
  expect(evidence.requestEvidence).toBeCloseTo(mean, 9);
});

test("a broken kind reverts although another kind fails alike in both arms", () => {
  const guard = createGuard({ ...config, kinds: ["below-cost"] }, start);
  const failures = { error: { count: 20, distinct: 20 }, "below-cost": { count: 12, distinct: 12 } };
  const report = { epoch: 1, candidate: { ok: 18, failures, units: [] }, control: arm(950, 380) };
  expect(play(guard, [report])).toMatchObject({ action: "revert", rule: "comparative" });
});

test("a report of a step that is no longer kept is left out and counted, the very first step's too", () => {
  const guard = createGuard(config, { epoch: 0, thousandths: 500 });
  const first = { ...quiet, epoch: 0 };
  for (let epoch = 1; epoch < epochsMax; epoch += 1) stepGuard(guard, { epoch, thousandths: 1000 * epoch });
  ingest(guard, first);
  expect(tickGuard(guard, 0).evidence).toMatchObject({ candidateRequests: 50, lateReports: 0 });
  stepGuard(guard, { epoch: epochsMax, thousandths: 50_000 });
  ingest(guard, first);
  expect(tickGuard(guard, 0).evidence).toMatchObject({ candidateRequests: 50, lateReports: 1 });
});

test("a report of a step that never was is refused and counts nothing", () => {
  const guard = createGuard(config, { epoch: 4, thousandths: 5000 });
  stepGuard(guard, { epoch: 6, thousandths: 5000 });
  for (const epoch of [5, 7, -1, 0.5, Number.NaN]) {
    const details = { path: "epoch", epoch, current: 6 };
    expect(() => ingest(guard, { ...quiet, epoch })).toThrow(expect.objectContaining({ code: "VALIDATION", details }));
  }
  expect(tickGuard(guard, 0).evidence).toMatchObject({ candidateRequests: 0, lateReports: 0 });
});

test("strata with different shares and rates are never added up", () => {
  const guard = createGuard({ ...config, toleratedRatio: 1 }, { epoch: 1, thousandths: 50_000 });
  const calm = { epoch: 1, stratum: "north", candidate: arm(100), control: arm(900, 9) };
  const rough = { epoch: 1, stratum: "south", candidate: arm(900, 90), control: arm(100, 10) };
  const pooled = createGuard({ ...config, toleratedRatio: 1 }, { epoch: 1, thousandths: 50_000 });
  for (let slot = 1; slot <= 20; slot += 1) {
    for (const report of [calm, rough]) {
      ingest(guard, report);
      ingest(pooled, { ...report, stratum: "all" });
    }
    tickGuard(guard, slot * slotMs);
    tickGuard(pooled, slot * slotMs);
  }
  expect(tickGuard(guard, 21 * slotMs).action).toBe("none");
  expect(tickGuard(pooled, 21 * slotMs).action).toBe("revert");
});

test("more strata than the limit are refused, not merged", () => {
  const guard = createGuard(config, start);
  for (let index = 0; index < strataMax; index += 1) ingest(guard, { ...quiet, stratum: `s${index}` });
  const details = { path: "stratum", stratumMax: strataMax };
  const refused = expect.objectContaining({ code: "VALIDATION", details });
  expect(() => ingest(guard, { ...quiet, stratum: "one more" })).toThrow(refused);
  ingest(guard, { ...quiet, stratum: "s0" });
  expect(guard.total.candidateRequests).toBe(50 * (strataMax + 1));
});

test("at 100 % there is nothing to compare and only the absolute rule reverts", () => {
  const whole = { epoch: 1, thousandths: 100_000 };
  const failing = { epoch: 1, candidate: arm(60, 60), control: arm(0) };
  const compared = play(createGuard(config, whole), [failing, failing]);
  expect(compared).toMatchObject({
    action: "none",
    evidence: { comparison: "off, no control", comparativeEvidence: 1 },
  });
  const limited = play(createGuard(defaultGuardConfig, whole), [failing, failing]);
  expect(limited).toMatchObject({ action: "revert", rule: "absolute", evidence: { comparison: "off, no control" } });
});

test("evidence from before 100 % does not hold the bake, and still reverts where it grows late", () => {
  const guard = createGuard(config, start);
  expect(play(guard, [{ ...quiet, candidate: arm(50, 2) }]).action).toBe("hold");
  stepGuard(guard, { epoch: 2, thousandths: 100_000 });
  expect(tickGuard(guard, 2 * slotMs).action).toBe("none");
  ingest(guard, broken);
  expect(tickGuard(guard, 3 * slotMs)).toMatchObject({ action: "revert", rule: "comparative" });
});

test("a clock that starts anew does not empty the windows", () => {
  const guard = createGuard(defaultGuardConfig, { epoch: 1, thousandths: 100_000 });
  const half = { epoch: 1, candidate: arm(30, 6), control: arm(0) };
  play(guard, [half], 1_000_000);
  ingest(guard, half);
  expect(tickGuard(guard, 0).evidence.absoluteEvidence[0]?.window.candidateRequests).toBe(60);
});

test("time that is no number is a programmer's error", () => {
  expect(() => tickGuard(createGuard(config, start), Number.NaN)).toThrow(/clock/);
});
