import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createAbsolute, createTally, tickAbsolute } from "./absolute.ts";
import { defaultGuardConfig, type GuardConfig, slotMs } from "./config.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import type { ArmReport } from "./report.ts";
import { logRequestEvidence } from "./state.ts";

type Tick = [candidateRequests: number, candidateFailures: number, controlRequests: number, controlFailures: number];

interface ComparativeVector {
  ticks: (Tick | "step()")[];
  lnE: Record<string, number[]>;
  latched?: Record<string, boolean>;
}

interface PromotionVector {
  ticks: Tick[];
  lnE: number[];
}

interface AbsoluteVector {
  ticks: [candidateRequests: number, candidateFailures: number][];
  limit: number;
  lnE: number[];
}

const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url), "utf8")) as Record<string, unknown>;
const { absolute_e: absoluteVector, promote_gate: promotionVector, ...comparativeVectors } = vectors;

// The figures of the vectors are for 1 % and for requests alone.
const base: GuardConfig = { ...defaultGuardConfig, alpha: 0.01, toleratedRatio: 1, absolute: [] };
const tolerances: Record<string, GuardConfig> = {
  "r0=1": base,
  "r0=1.25": { ...base, toleratedRatio: 1.25 },
  "r0=1.25,delta=0.001": { ...base, toleratedRatio: 1.25, toleratedExtraRate: 0.001 },
};

function arm(requests: number, failures: number): ArmReport {
  return { ok: requests - failures, failures: { error: { count: failures, distinct: failures } }, units: [] };
}

const cases = Object.entries(comparativeVectors as Record<string, ComparativeVector>).flatMap(([name, vector]) =>
  Object.entries(vector.lnE).map(([tolerance, expected]) => ({ name, tolerance, expected, vector })),
);

test.for(cases)("the request stream gives the evidence of vector $name at $tolerance", (vectorCase) => {
  const { tolerance, expected, vector } = vectorCase;
  const config = tolerances[tolerance];
  if (config === undefined) throw new Error(`the vectors have a tolerance that this test does not know: ${tolerance}`);
  const guard = createGuard(config, { epoch: 1, thousandths: 1000 });
  let epoch = 1;
  let slot = 0;
  let action = "none";
  const logs: number[] = [];
  for (const tick of vector.ticks) {
    if (tick === "step()") {
      epoch += 1;
      stepGuard(guard, { epoch, thousandths: 25_000 });
      continue;
    }
    ingest(guard, { epoch, candidate: arm(tick[0], tick[1]), control: arm(tick[2], tick[3]) });
    slot += 1;
    action = tickGuard(guard, slot * slotMs).action;
    logs.push(logRequestEvidence(guard));
  }
  expect(logs).toHaveLength(expected.length);
  for (const [index, log] of logs.entries()) expect(log).toBeCloseTo(expected[index] ?? Number.NaN, 9);
  if (vector.latched !== undefined) expect(action === "revert").toBe(vector.latched[tolerance]);
});

test("an absolute rule gives the evidence of its vector", () => {
  const { ticks, limit, lnE } = absoluteVector as AbsoluteVector;
  const rule = createAbsolute({
    errorRateLimit: limit,
    windowMs: 30_000,
    requestsMin: 50,
    mode: "confirmed",
    alpha: 0.01,
  });
  const logs = ticks.map(([candidateRequests, candidateFailures], slot) => {
    tickAbsolute(rule, slot, { ...createTally(), candidateRequests, candidateFailures });
    return rule.stream.logEvidence;
  });
  expect(logs).toHaveLength(lnE.length);
  for (const [index, log] of logs.entries()) expect(log).toBeCloseTo(lnE[index] ?? Number.NaN, 9);
});

test("the promotion test gives the evidence of its vector", () => {
  const { ticks, lnE } = promotionVector as PromotionVector;
  // The figures are for a candidate of twice the control's rate and 0.1 % more.
  const bounds = [{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.001 }];
  const guard = createGuard({ ...base, promotion: { beta: 0.1, bounds } }, { epoch: 1, thousandths: 10_000 });
  const logs = ticks.map((tick, slot) => {
    ingest(guard, { epoch: 1, candidate: arm(tick[0], tick[1]), control: arm(tick[2], tick[3]) });
    return Math.log(tickGuard(guard, slot * slotMs).evidence.promotion.evidence);
  });
  expect(logs).toHaveLength(lnE.length);
  for (const [index, log] of logs.entries()) expect(log).toBeCloseTo(lnE[index] ?? Number.NaN, 9);
});
