import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultGuardConfig, type GuardConfig, slotMs } from "./config.ts";
import { isPromotionOpen } from "./decision.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import {
  boundAt,
  closePromotionBlock,
  createPromotion,
  logPromotionEvidence,
  promotionScore,
  testOf,
} from "./promotion.ts";
import type { ArmReport, FailureCount, OutcomeReport } from "./report.ts";
import { logPromotionInForce } from "./state.ts";

const shares = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9];
// Room for rounding only: the law is "at most 1".
const slack = 1e-9;

/** The chance of each number of failures among some requests. */
function binomial(requests: number, rate: number): number[] {
  let chances = [1];
  for (let request = 0; request < requests; request += 1) {
    chances = [...chances, 0].map((chance, index) => chance * (1 - rate) + (chances[index - 1] ?? 0) * rate);
  }
  return chances;
}

/** Every outcome of a block with its chance. */
function outcomes(requests: { candidateRequests: number; controlRequests: number }, rates: [number, number]) {
  const control = binomial(requests.controlRequests, rates[1]);
  return binomial(requests.candidateRequests, rates[0]).flatMap((candidateChance, candidateFailures) =>
    control.map((chance, controlFailures) => ({
      failures: { candidateFailures, controlFailures },
      chance: candidateChance * chance,
    })),
  );
}

const requestsOf = (most: number) =>
  fc.record({
    candidateRequests: fc.integer({ min: 1, max: most }),
    controlRequests: fc.integer({ min: 1, max: most }),
  });
const bound = fc.record({
  worseRatio: fc.double({ min: 1, max: 6, noNaN: true }),
  worseExtraRate: fc.double({ min: 0.0001, max: 0.3, noNaN: true }),
});
/** How a candidate is intolerably worse: on the bound, or somewhere beyond it. */
const excess = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true }));

/** Rates with p_c >= worseRatio * p_s + worseExtraRate; p_s as high as leaves the candidate a rate. */
function worseRates(its: { worseRatio: number; worseExtraRate: number }, level: number, beyond: number) {
  const controlRate = (level * (1 - its.worseExtraRate)) / its.worseRatio;
  const least = its.worseRatio * controlRate + its.worseExtraRate;
  return [Math.min(1, least + beyond * (1 - least)), controlRate] satisfies [number, number];
}

test("a block's e-value is expected to be at most 1 while the candidate is intolerably worse", () => {
  fc.assert(
    fc.property(
      requestsOf(12),
      bound,
      fc.double({ min: 0, max: 1, noNaN: true }),
      excess,
      fc.constantFrom(...shares),
      (requests, its, level, beyond, share) => {
        let expectation = 0;
        for (const { failures, chance } of outcomes(requests, worseRates(its, level, beyond))) {
          expectation += chance * Math.exp(promotionScore(share, its, requests, failures));
        }
        expect(expectation).toBeLessThanOrEqual(1 + slack);
      },
    ),
    { numRuns: 2000 },
  );
});

test("a test's evidence is expected to be at most 1 over blocks whose rates and sizes change in between", () => {
  const level = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(requestsOf(4), requestsOf(4), bound, level, level, (first, second, its, one, two) => {
      const config = configOf([{ fromThousandths: 0, ...its }]);
      let expectation = 0;
      for (const before of outcomes(first, worseRates(its, one, 0))) {
        for (const after of outcomes(second, worseRates(its, two, 0))) {
          const tests = createPromotion(config, []);
          closePromotionBlock(tests, first, [before.failures]);
          closePromotionBlock(tests, second, [after.failures]);
          const [only] = tests;
          if (only === undefined) throw new Error("there is one bound");
          expectation += before.chance * after.chance * Math.exp(logPromotionEvidence(only));
        }
      }
      expect(expectation).toBeLessThanOrEqual(1 + slack);
    }),
    { numRuns: 150 },
  );
});

test("a candidate that is as good as the control is expected to gain evidence", () => {
  const requests = { candidateRequests: 20, controlRequests: 20 };
  let expectation = 0;
  for (const { failures, chance } of outcomes(requests, [0.1, 0.1])) {
    expectation += chance * promotionScore(0.35, { worseRatio: 3, worseExtraRate: 0.05 }, requests, failures);
  }
  expect(expectation).toBeGreaterThan(0.5);
});

function configOf(bounds: GuardConfig["promotion"]["bounds"], change: Partial<GuardConfig> = {}): GuardConfig {
  return { ...defaultGuardConfig, absolute: [], promotion: { beta: 0.1, bounds }, ...change };
}

function arm(requests: number, failures: number, kind = "error"): ArmReport {
  return { ok: requests - failures, failures: { [kind]: { count: failures, distinct: failures } }, units: [] };
}

const quiet: OutcomeReport = { epoch: 1, candidate: arm(50, 0), control: arm(950, 0) };
const start = { epoch: 1, thousandths: 5_000 };

/** Ticks once for each report, a slot apart. */
function play(guard: ReturnType<typeof createGuard>, reports: readonly OutcomeReport[], fromSlot = 1) {
  for (const [index, report] of reports.entries()) {
    ingest(guard, report);
    tickGuard(guard, (fromSlot + index) * slotMs);
  }
  return tickGuard(guard, (fromSlot + reports.length - 1) * slotMs).evidence.promotion;
}

const times = (count: number, report: OutcomeReport): OutcomeReport[] => Array.from({ length: count }, () => report);

test("silence opens the test after about 3.6 over the extra rate candidate requests, and not before", () => {
  const guard = createGuard(configOf([{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.01 }]), start);
  const before = play(guard, times(7, quiet));
  expect(before).toMatchObject({ open: false, requestsNeeded: 357 - 350, threshold: 10 });
  const after = play(guard, [{ ...quiet, candidate: arm(7, 0) }], 8);
  expect(after).toMatchObject({ open: true, requestsNeeded: 0 });
  expect(after.evidence).toBeGreaterThanOrEqual(10);
  expect(after.evidence).toBeLessThan(10.1);
});

test("evidence that reaches 1/beta is enough, and less is not", () => {
  const config = configOf([{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.01 }]);
  const guard = createGuard(config, start);
  play(guard, times(3, quiet));
  const beta = Math.exp(-logPromotionInForce(guard));
  for (const [factor, open] of [
    [1.000001, true],
    [0.999999, false],
  ] as const) {
    const same = createGuard({ ...config, promotion: { ...config.promotion, beta: beta * factor } }, start);
    expect(play(same, times(3, quiet)).open).toBe(open);
  }
});

test("each percentage has the bound that begins last before it, and bounds alike share what was seen", () => {
  const config = configOf([
    { fromThousandths: 0, worseRatio: 5, worseExtraRate: 0.01 },
    { fromThousandths: 5_000, worseRatio: 3, worseExtraRate: 0.005 },
    { fromThousandths: 25_000, worseRatio: 5, worseExtraRate: 0.01 },
  ]);
  expect([0, 4_999, 5_000, 24_999, 25_000, 100_000].map((each) => boundAt(config, each).fromThousandths)).toEqual([
    0, 0, 5_000, 5_000, 25_000, 25_000,
  ]);
  expect(createPromotion(config, [])).toHaveLength(2);
  const guard = createGuard(config, { epoch: 1, thousandths: 1_000 });
  const first = play(guard, times(8, quiet));
  expect(first).toMatchObject({ bound: { fromThousandths: 0 }, open: true });
  expect([isPromotionOpen(guard, 4_999), isPromotionOpen(guard, 5_000), isPromotionOpen(guard, 25_000)]).toEqual([
    true,
    false,
    true,
  ]);
  stepGuard(guard, { epoch: 2, thousandths: 5_000 });
  const second = tickGuard(guard, 8 * slotMs).evidence.promotion;
  // What was seen before the step counts on.
  expect(second).toMatchObject({ bound: { fromThousandths: 5_000 }, open: false });
  expect(second.evidence).toBeGreaterThan(1);
  stepGuard(guard, { epoch: 3, thousandths: 25_000 });
  expect(tickGuard(guard, 8 * slotMs).evidence.promotion).toMatchObject({
    bound: { fromThousandths: 25_000 },
    open: true,
  });
});

test("a test is sought by both of its numbers", () => {
  const bounds = [
    { fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.01 },
    { fromThousandths: 1, worseRatio: 2, worseExtraRate: 0.02 },
    { fromThousandths: 2, worseRatio: 3, worseExtraRate: 0.02 },
  ];
  const tests = createPromotion(configOf(bounds), []);
  expect(bounds.map((each) => testOf(tests, each))).toEqual(tests);
  expect(() => testOf(tests, { fromThousandths: 0, worseRatio: 9, worseExtraRate: 0.01 })).toThrow(/test/);
});

const failed = (failures: Record<string, FailureCount>, ok: number): ArmReport => ({ ok, failures, units: [] });
const some = (count: number): FailureCount => ({ count, distinct: count });

test("all kinds together and every named kind have to be proved, and slow requests are a kind of their own", () => {
  const config = configOf([{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.02 }], {
    kinds: ["below-cost"],
    slowMs: 100,
    toleratedRatio: 100,
  });
  const steady = { error: some(2), slow: some(20) };
  const controls = failed({ error: some(38), slow: some(380) }, 9_582);
  const streamsOf = (kind: string, count: number) => {
    const guard = createGuard(config, start);
    const report = { epoch: 1, candidate: failed({ ...steady, [kind]: some(count) }, 478), control: controls };
    return play(guard, times(10, report));
  };
  const good = streamsOf("error", 2);
  expect(good.streams.map(({ kind }) => kind)).toEqual([null, "below-cost", "slow"]);
  expect(good.open).toBe(true);
  // As bad as the bound in one kind: the others are proved, and the smallest is what counts.
  for (const [kind, count, weakest] of [
    ["error", 12, null],
    ["below-cost", 12, "below-cost"],
    ["slow", 52, "slow"],
  ] as const) {
    const { open, evidence, streams } = streamsOf(kind, count);
    expect([kind, open]).toEqual([kind, false]);
    expect(evidence).toBe(Math.min(...streams.map((stream) => stream.evidence)));
    expect(streams.find((stream) => stream.evidence === evidence)?.kind).toBe(weakest);
  }
});

test("failures of undeclared kinds are in the total alone", () => {
  const config = configOf([{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.02 }], {
    kinds: ["below-cost"],
    toleratedRatio: 100,
    failuresMin: 1000,
  });
  const guard = createGuard(config, start);
  const { streams } = play(guard, times(10, { ...quiet, candidate: arm(50, 10, "odd") }));
  expect(streams[0]?.evidence).toBeLessThan(0.1);
  expect(streams[1]?.evidence).toBeGreaterThan(10);
});

test("a candidate that looks suspicious is not proved, however many requests speak for it", () => {
  const bounds = [{ fromThousandths: 0, worseRatio: 100, worseExtraRate: 0.2 }];
  const guard = createGuard(configOf(bounds, { failuresMin: 1_000 }), start);
  expect(play(guard, times(20, quiet)).open).toBe(true);
  const suspicious = play(guard, [{ ...quiet, candidate: arm(50, 4) }], 21);
  expect(suspicious.evidence).toBeGreaterThan(suspicious.threshold);
  expect(suspicious).toMatchObject({ open: false, requestsNeeded: 0 });
});

test("at 100 % there is no step left to prove", () => {
  const guard = createGuard(configOf([{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.01 }]), start);
  expect(play(guard, times(10, quiet)).open).toBe(true);
  stepGuard(guard, { epoch: 2, thousandths: 100_000 });
  expect(tickGuard(guard, 0).evidence.promotion.open).toBe(false);
  expect([isPromotionOpen(guard, 99_999), isPromotionOpen(guard, 100_000)]).toEqual([true, false]);
});

test("what was reverted is not proved", () => {
  const guard = createGuard(configOf([{ fromThousandths: 0, worseRatio: 1000, worseExtraRate: 0.9 }]), start);
  play(guard, times(10, quiet));
  play(guard, [{ ...quiet, candidate: arm(50, 20) }], 11);
  expect(guard.reverted).toBeDefined();
  for (const _ of times(200, quiet)) play(guard, times(5, { ...quiet, control: arm(950, 200) }), 12);
  expect(isPromotionOpen(guard)).toBe(false);
});

test("a block without requests in one arm proves nothing", () => {
  const config = configOf([{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.01 }]);
  const tests = createPromotion(config, []);
  closePromotionBlock(tests, { candidateRequests: 0, controlRequests: 50 }, [
    { candidateFailures: 0, controlFailures: 9 },
  ]);
  closePromotionBlock(tests, { candidateRequests: 50, controlRequests: 0 }, [
    { candidateFailures: 0, controlFailures: 0 },
  ]);
  expect(tests).toEqual(createPromotion(config, []));
});

test("what no usable configuration and no guard asks for is a programmer's error", () => {
  const config = configOf([{ fromThousandths: 0, worseRatio: 3, worseExtraRate: 0.005 }]);
  expect(() => boundAt(config, -1)).toThrow(/bound from 0/);
  const tests = createPromotion(config, ["below-cost"]);
  const none = { candidateFailures: 0, controlFailures: 0 };
  expect(() => closePromotionBlock(tests, { candidateRequests: 1, controlRequests: 1 }, [none])).toThrow(
    /every stream/,
  );
});
