import { expect, test } from "vitest";
import { defaultGuardConfig } from "./config.ts";
import { guardAction, hasFaded, isPromotionOpen, latchComparative } from "./decision.ts";
import { createGuard, stepGuard, tickGuard } from "./guard.ts";
import { arm, play, start } from "./guard.testing.ts";
import { noteCrossings } from "./history.ts";
import type { GuardState } from "./state.ts";

// A line is passed where it is reached. No report would ever bring evidence to the very number, so it is put there.

const just = (log: number): number => log - 1e-9;

function withEvidence(logRequests: number): GuardState {
  const guard = createGuard({ ...defaultGuardConfig, failuresMin: 1 }, start);
  guard.failuresWithoutUnit = 1;
  for (const { stream } of guard.requestStreams) stream.logEvidence = logRequests;
  return guard;
}

test("evidence of exactly the hold line holds and keeps the promotion test shut, less does not", () => {
  for (const [log, action, open] of [
    [Math.log(10), "hold", false],
    [just(Math.log(10)), "none", true],
  ] as const) {
    const guard = withEvidence(log);
    for (const { streams } of guard.promotion) for (const stream of streams) stream.logEvidence = 5;
    expect([guardAction(guard), isPromotionOpen(guard)]).toEqual([action, open]);
  }
});

test("evidence of exactly half of the hold line has faded, more has not, and at 100 % whatever there is", () => {
  const half = Math.log(10) - Math.LN2;
  const more = withEvidence(half + 1e-9);
  expect([hasFaded(withEvidence(half)), hasFaded(more)]).toEqual([true, false]);
  stepGuard(more, { epoch: 2, thousandths: 100_000 });
  expect(hasFaded(more)).toBe(true);
});

test("evidence of exactly the revert line reverts, less does not", () => {
  const line = -Math.log(defaultGuardConfig.alpha);
  for (const [log, reverts] of [
    [line, true],
    [just(line), false],
  ] as const) {
    const guard = withEvidence(log);
    latchComparative(guard);
    expect(guard.reverted !== undefined).toBe(reverts);
  }
});

test("evidence of exactly the promotion line opens the test, less does not", () => {
  const line = -Math.log(defaultGuardConfig.promotion.beta);
  for (const [log, open] of [
    [line, true],
    [just(line), false],
  ] as const) {
    const guard = createGuard(defaultGuardConfig, start);
    for (const { streams } of guard.promotion) for (const stream of streams) stream.logEvidence = log;
    expect(isPromotionOpen(guard)).toBe(open);
  }
});

/** Which lines a guard writes down that finds its evidence like this. */
function passed(change: (guard: GuardState) => void): string[] {
  const guard = createGuard(defaultGuardConfig, start);
  guard.isOff = true;
  change(guard);
  noteCrossings(guard);
  return guard.trail.crossings.map(({ stream, line }) => `${stream} ${line}`);
}

function requestsAt(log: number): (guard: GuardState) => void {
  return (guard) => {
    for (const { stream } of guard.requestStreams) stream.logEvidence = log;
  };
}

/** The requests' is so low that both together are half of the units'. */
function unitsAt(log: number, logRequests = -50): (guard: GuardState) => void {
  return (guard) => {
    guard.unitsKnown = true;
    guard.unitStream.logEvidence = log;
    requestsAt(logRequests)(guard);
  };
}

test("a line is written down as passed where it is exactly reached, each by itself", () => {
  const hold = Math.log(10);
  const revert = -Math.log(defaultGuardConfig.alpha);
  expect(passed(requestsAt(hold))).toEqual(["requests hold", "comparative hold"]);
  expect(passed(requestsAt(just(hold)))).toEqual([]);
  expect(passed(requestsAt(revert))).toEqual([
    "requests hold",
    "requests revert",
    "comparative hold",
    "comparative revert",
  ]);
  expect(passed(requestsAt(just(revert)))).toEqual(["requests hold", "comparative hold"]);
  expect(passed(unitsAt(hold))).toEqual(["units hold"]);
  expect(passed(unitsAt(just(hold)))).toEqual([]);
  expect(passed(unitsAt(revert))).toEqual(["units hold", "units revert", "comparative hold"]);
  expect(passed(unitsAt(just(revert)))).toEqual(["units hold", "comparative hold"]);
  expect(passed(unitsAt(just(hold), just(hold)))).toEqual([]);
  for (const [log, names] of [
    [-Math.log(defaultGuardConfig.promotion.beta), ["promotion promotion"]],
    [just(-Math.log(defaultGuardConfig.promotion.beta)), []],
  ] as const) {
    const change = (guard: GuardState): void => {
      for (const { streams } of guard.promotion) for (const stream of streams) stream.logEvidence = log;
    };
    expect(passed(change)).toEqual(names);
  }
  const [rule] = defaultGuardConfig.absolute;
  for (const [log, names] of [
    [-Math.log(rule?.alpha ?? 1), ["absolute revert"]],
    [just(-Math.log(rule?.alpha ?? 1)), []],
  ] as const) {
    const change = (guard: GuardState): void => {
      for (const { stream } of guard.absolutes) stream.logEvidence = log;
    };
    expect(passed(change)).toEqual(names);
  }
});

const whole = { epoch: 1, thousandths: 100_000 };

test("one absolute rule of several is enough", () => {
  const [rule] = defaultGuardConfig.absolute;
  if (rule === undefined) throw new Error("the default guard has a rule");
  const guard = createGuard({ ...defaultGuardConfig, absolute: [{ ...rule, errorRateLimit: 0.6 }, rule] }, whole);
  expect(play(guard, [{ epoch: 1, candidate: arm(100, 40), control: arm(0) }])).toMatchObject({ rule: "absolute" });
});

test("an absolute rule needs failures of several users as well", () => {
  const one = { epoch: 1, candidate: arm(60, 60, { units: [7] }), control: arm(0) };
  const guard = createGuard(defaultGuardConfig, whole);
  expect(play(guard, [one]).action).toBe("none");
  play(guard, [{ ...one, candidate: arm(2, 2, { units: [8, 9] }) }], 2);
  expect(tickGuard(guard, 1_000).action).toBe("revert");
});
