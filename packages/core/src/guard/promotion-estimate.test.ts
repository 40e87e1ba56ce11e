import { expect, test } from "vitest";
import { defaultGuardConfig, type GuardConfig, slotMs } from "./config.ts";
import { createGuard, ingest, tickGuard } from "./guard.ts";
import { arm, play, quiet, start } from "./guard.testing.ts";
import {
  createPromotion,
  logStreamPromotion,
  type PromotionRates,
  type PromotionTest,
  promotionRequestsNeeded,
  promotionScore,
} from "./promotion.ts";
import type { ArmReport, FailureCount, OutcomeReport } from "./report.ts";

// How many candidate requests the promotion test is said to need still.

const shares = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9];

function configWith(worseRatio: number, worseExtraRate: number, change: Partial<GuardConfig> = {}): GuardConfig {
  const bounds = [{ fromThousandths: 0, worseRatio, worseExtraRate }];
  return { ...defaultGuardConfig, absolute: [], promotion: { beta: 0.1, bounds }, ...change };
}

function testWith(worseExtraRate: number): PromotionTest {
  const [only] = createPromotion(configWith(3, worseExtraRate), []);
  if (only === undefined) throw new Error("there is one bound");
  return only;
}

/** What a test that has seen nothing says that it needs, of requests whose rates are these. */
function needed(
  rates: Partial<PromotionRates>,
  options: { candidateShare?: number; logNeeded?: number; worseExtraRate?: number } = {},
): number | null {
  const { candidateShare = 0.05, logNeeded = Math.log(10), worseExtraRate = 0.005 } = options;
  const its = testWith(worseExtraRate);
  const [stream] = its.streams;
  if (stream === undefined) throw new Error("there is a stream of all kinds");
  const none = { candidateRequests: 0, candidateFailures: 0, controlRequests: 0, controlFailures: 0 };
  return promotionRequestsNeeded(its, stream, { ...none, ...rates }, { candidateShare, logNeeded });
}

const times = (count: number, report: OutcomeReport): OutcomeReport[] => Array.from({ length: count }, () => report);
const some = (count: number): FailureCount => ({ count, distinct: count });

test.each([
  [5_000, { candidate: arm(100, 1), control: arm(1_900, 19) }],
  [50_000, { candidate: arm(100, 1), control: arm(100, 1) }],
])("the estimate at %d thousandths is what a candidate needs that goes on like this", (thousandths, arms) => {
  // Played with the very same rates, the test opens within a block of the estimate.
  const config = configWith(3, 0.005, { toleratedRatio: 10 });
  const report = { epoch: 1, ...arms };
  const guard = createGuard(config, { epoch: 1, thousandths });
  const first = play(guard, [report]).evidence.promotion;
  const estimate = first.requestsNeeded ?? Number.POSITIVE_INFINITY;
  const blocks = Math.ceil(estimate / 100);
  expect(first.open).toBe(false);
  expect(play(guard, times(blocks, report), 2).evidence.promotion).toMatchObject({ open: true, requestsNeeded: 0 });
  const again = createGuard(config, { epoch: 1, thousandths });
  expect(play(again, times(blocks, report)).evidence.promotion.open).toBe(false);
});

test("an estimate is made once a slot, whatever comes in before the next", () => {
  const guard = createGuard(configWith(3, 0.005), start);
  const estimateAt = (nowMs: number) => tickGuard(guard, nowMs).evidence.promotion.requestsNeeded;
  const first = estimateAt(0);
  ingest(guard, { ...quiet, control: arm(950, 10) });
  expect([first, estimateAt(slotMs - 1)]).toEqual([expect.any(Number), first]);
  expect(estimateAt(slotMs)).not.toBe(first);
});

test("a revert's evidence has the estimate of its own slot", () => {
  const { action, evidence } = play(createGuard(configWith(3, 0.005), start), [
    { ...quiet, candidate: arm(50, 50), control: arm(950, 1) },
  ]);
  expect([action, evidence.promotion.requestsNeeded]).toEqual(["revert", null]);
});

test("the estimate of a test that is open, or was never to open like this, says so", () => {
  expect(needed({}, { logNeeded: 0 })).toBe(0);
  expect(needed({ candidateRequests: 1000, candidateFailures: 500, controlRequests: 1000 })).toBeNull();
  expect(needed({}, { candidateShare: 0 })).toBeNull();
  expect(needed({}, { candidateShare: 1 })).toBeNull();
  expect(needed({}, { candidateShare: 0.999 })).toBeGreaterThan(500);
});

test("evidence that is exactly what is needed is enough", () => {
  const requests = { candidateRequests: 1, controlRequests: 19 };
  const none = { candidateFailures: 0, controlFailures: 0 };
  const scores = shares.map((share) => promotionScore(share, testWith(0.005), requests, none) * 500);
  expect(needed({}, { logNeeded: logStreamPromotion(scores) })).toBe(500);
});

test("an estimate of more than 2^30 requests is none", () => {
  expect(needed({}, { worseExtraRate: 3.4e-9 })).toBeGreaterThan(1e9);
  expect(needed({}, { worseExtraRate: 3.3e-9 })).toBeNull();
});

test("the candidate is taken for as good as the control until its own failures say otherwise", () => {
  const control = { controlRequests: 19_000, controlFailures: 190 };
  const unknown = needed(control);
  const alike = needed({ ...control, candidateRequests: 1_000, candidateFailures: 10 });
  const better = needed({ ...control, candidateRequests: 1_000, candidateFailures: 2 });
  const worse = needed({ ...control, candidateRequests: 1_000, candidateFailures: 30 });
  expect(unknown).toBe(alike);
  expect(better).toBeLessThan(alike ?? 0);
  expect(worse === null || worse > (alike ?? 0)).toBe(true);
  // Nothing fails in the control: the candidate's rate is its own.
  expect(needed({ candidateRequests: 1_000, candidateFailures: 3, controlRequests: 19_000 })).toBeGreaterThan(
    needed({ candidateRequests: 1_000, controlRequests: 19_000 }) ?? 0,
  );
});

function armOf(failures: Record<string, FailureCount>, requests: number): ArmReport {
  const failed = Object.values(failures).reduce((sum, { count }) => sum + count, 0);
  return { ok: requests - failed, failures, units: [] };
}

test("the estimate of a guard is its slowest stream's, by the rates of each kind", () => {
  const config = configWith(3, 0.005, {
    kinds: ["below-cost"],
    slowMs: 100,
    toleratedRatio: 100,
  });
  const estimateOf = (candidate: Record<string, FailureCount>, control: Record<string, FailureCount>) =>
    play(createGuard(config, start), [{ epoch: 1, candidate: armOf(candidate, 100), control: armOf(control, 1_900) }])
      .evidence.promotion.requestsNeeded;
  const nothing = estimateOf({}, {});
  expect(nothing).toBeGreaterThan(600);
  // A control that fails as well makes it easier for the streams that are compared with it, and the others are as slow as before.
  expect(estimateOf({ error: some(1) }, { error: some(19) })).toBe(nothing);
  const alike = estimateOf(
    { error: some(1), "below-cost": some(1), slow: some(1) },
    { error: some(19), "below-cost": some(19), slow: some(19) },
  );
  expect(alike).toBeLessThan(nothing ?? 0);
  // One kind that is hopeless is enough, whichever it is.
  for (const kind of ["error", "below-cost", "slow"]) expect(estimateOf({ [kind]: some(50) }, {})).toBeNull();
  // Slow requests are not in the total.
  const slowAlone = estimateOf({ slow: some(1) }, { slow: some(19) });
  expect(slowAlone).toBe(nothing);
});

test("slow requests are no part of the total's estimate", () => {
  const config = configWith(3, 0.005, { slowMs: 100 });
  const estimateOf = (candidate: ArmReport, control: ArmReport) =>
    play(createGuard(config, start), [{ epoch: 1, candidate, control }]).evidence.promotion.requestsNeeded;
  expect(estimateOf(arm(100, 1, { kind: "slow" }), arm(1_900, 19, { kind: "slow" }))).toBe(
    estimateOf(arm(100, 0), arm(1_900, 0)),
  );
});
