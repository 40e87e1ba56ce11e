import { expect, test } from "vitest";
import { absoluteEvidenceOf, confirmsAbsolute, createAbsolute, createTally, tickAbsolute } from "./absolute.ts";
import type { AbsoluteRule } from "./config.ts";

const rule: AbsoluteRule = { errorRateLimit: 0.05, windowMs: 1000, requestsMin: 50, mode: "confirmed", alpha: 0.002 };
const silent = createTally();
const failing = { candidateRequests: 60, candidateFailures: 30, controlRequests: 0, controlFailures: 0 };
const strong = Math.log(10);

test("a candidate over the limit is confirmed where there is no control arm to compare with", () => {
  const state = createAbsolute(rule);
  tickAbsolute(state, 1, failing);
  expect(confirmsAbsolute(state, 0)).toBe(true);
});

test("with a control arm to compare with, the limit waits for the comparison", () => {
  const state = createAbsolute(rule);
  tickAbsolute(state, 1, { ...failing, controlRequests: 50 });
  expect(confirmsAbsolute(state, 0)).toBe(false);
  expect(confirmsAbsolute(state, strong)).toBe(true);
});

test("a control arm that fails at more than half the limit suspends the rule", () => {
  const state = createAbsolute(rule);
  tickAbsolute(state, 1, { ...failing, controlRequests: 40, controlFailures: 1 });
  expect(confirmsAbsolute(state, strong)).toBe(true);
  tickAbsolute(state, 2, { ...silent, controlRequests: 39, controlFailures: 1 });
  expect(absoluteEvidenceOf(state).suspended).toBe(true);
  expect(confirmsAbsolute(state, strong)).toBe(false);
});

test("fewer requests than the minimum decide nothing", () => {
  const state = createAbsolute(rule);
  tickAbsolute(state, 1, { ...silent, candidateRequests: 49, candidateFailures: 49 });
  expect(state.stream.logEvidence).toBeGreaterThan(-Math.log(rule.alpha));
  expect(confirmsAbsolute(state, strong)).toBe(false);
  tickAbsolute(state, 2, { ...silent, candidateRequests: 1 });
  expect(confirmsAbsolute(state, strong)).toBe(true);
});

test("a short peak over the limit is not evidence enough", () => {
  const state = createAbsolute(rule);
  tickAbsolute(state, 1, { ...silent, candidateRequests: 60, candidateFailures: 4 });
  expect(state.window.total.candidateFailures / state.window.total.candidateRequests).toBeGreaterThan(
    rule.errorRateLimit,
  );
  expect(confirmsAbsolute(state, strong)).toBe(false);
});

test("evidence confirms where it reaches its line, not only past it", () => {
  const state = createAbsolute(rule);
  tickAbsolute(state, 1, failing);
  state.stream.logEvidence = -Math.log(rule.alpha);
  expect(confirmsAbsolute(state, strong)).toBe(true);
});

function multiplesAt(errorRateLimit: number): number[][] {
  const { stakes } = createAbsolute({ ...rule, errorRateLimit }).stream;
  return stakes.map(({ multiple, logWeight }) => [multiple, Math.round(Math.exp(-logWeight))]);
}

test("a rule stakes alike on the multiples of its limit that are a rate, the rate of 1 among them", () => {
  expect(multiplesAt(0.02)).toEqual([1.5, 2, 4, 10, 50].map((multiple) => [multiple, 5]));
  expect(multiplesAt(0.05)).toEqual([1.5, 2, 4, 10].map((multiple) => [multiple, 4]));
  expect(multiplesAt(2 / 3)).toEqual([[1.5, 1]]);
});

test("what is shown of a rule that has seen nothing is the rule, and what its evidence has to reach", () => {
  expect(absoluteEvidenceOf(createAbsolute(rule))).toEqual({
    mode: "confirmed",
    errorRateLimit: 0.05,
    windowMs: 1000,
    requestsMin: 50,
    absoluteEvidence: 1,
    threshold: 500,
    window: silent,
    suspended: false,
  });
});

test("evidence from a time that has left the window does not revert a candidate that recovered", () => {
  const state = createAbsolute(rule);
  tickAbsolute(state, 1, failing);
  tickAbsolute(state, 5, { ...silent, candidateRequests: 60 });
  expect(state.window.total).toEqual({ ...silent, candidateRequests: 60 });
  expect(confirmsAbsolute(state, strong)).toBe(false);
});

test("a window is the sum of exactly its slots", () => {
  const state = createAbsolute({ ...rule, windowMs: 1001 });
  const one = { candidateRequests: 1, candidateFailures: 1, controlRequests: 2, controlFailures: 1 };
  for (let slot = 1; slot <= 20; slot += 1) tickAbsolute(state, slot, one);
  const five = { candidateRequests: 5, candidateFailures: 5, controlRequests: 10, controlFailures: 5 };
  expect(state.window.total).toEqual(five);
  tickAbsolute(state, 23, silent);
  expect(state.window.total.candidateRequests).toBe(2);
  tickAbsolute(state, 1000, silent);
  expect(state.window).toEqual({ slots: [], total: silent });
});

test("ticks without candidate requests neither cost evidence nor give any", () => {
  const state = createAbsolute(rule);
  for (let slot = 1; slot <= 100; slot += 1) tickAbsolute(state, slot, { ...silent, controlRequests: 100 });
  expect(state.stream).toEqual(createAbsolute(rule).stream);
});

test("taken literally a window over the limit is enough, whatever the evidence and the control arm say", () => {
  const state = createAbsolute({ ...rule, mode: "literal" });
  tickAbsolute(state, 1, { ...silent, candidateRequests: 50, candidateFailures: 2 });
  expect(confirmsAbsolute(state, strong)).toBe(false);
  tickAbsolute(state, 2, { ...silent, candidateRequests: 10, candidateFailures: 1 });
  // 3 of 60 is the limit of 5 %, and a limit is not over itself.
  expect(confirmsAbsolute(state, strong)).toBe(false);
  tickAbsolute(state, 3, {
    ...silent,
    candidateFailures: 1,
    candidateRequests: 1,
    controlRequests: 50,
    controlFailures: 50,
  });
  expect(state.stream.logEvidence).toBeLessThan(-Math.log(rule.alpha));
  expect(absoluteEvidenceOf(state)).toMatchObject({ mode: "literal", suspended: true });
  expect(confirmsAbsolute(state, 0)).toBe(true);
});

test("taken literally a window still needs its requests", () => {
  const state = createAbsolute({ ...rule, mode: "literal" });
  tickAbsolute(state, 1, { ...silent, candidateRequests: 49, candidateFailures: 49 });
  expect(confirmsAbsolute(state, strong)).toBe(false);
  tickAbsolute(state, 2, { ...silent, candidateRequests: 1 });
  expect(confirmsAbsolute(state, 0)).toBe(true);
});

test("by evidence no comparison is asked, and a control arm that fails as well suspends the rule all the same", () => {
  const state = createAbsolute({ ...rule, mode: "evidence" });
  tickAbsolute(state, 1, { ...failing, controlRequests: 1000 });
  expect(absoluteEvidenceOf(state).mode).toBe("evidence");
  expect(confirmsAbsolute(state, 0)).toBe(true);
  tickAbsolute(state, 2, { ...silent, controlRequests: 1, controlFailures: 26 });
  expect(absoluteEvidenceOf(state).suspended).toBe(true);
  expect(confirmsAbsolute(state, strong)).toBe(false);
});

test("by evidence a window over the limit waits for it", () => {
  const state = createAbsolute({ ...rule, mode: "evidence" });
  tickAbsolute(state, 1, { ...silent, candidateRequests: 60, candidateFailures: 4 });
  expect(confirmsAbsolute(state, strong)).toBe(false);
});
