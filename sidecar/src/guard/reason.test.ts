import { createGuard, defaultGuardConfig, type GuardEvidence, tickGuard } from "@sluice/core";
import { expect, test } from "vitest";
import { revertReason } from "./reason.ts";

/** Of a guard that has seen nothing yet. */
const { evidence: nothing } = tickGuard(
  createGuard({ ...defaultGuardConfig, slowMs: 1_000 }, { epoch: 1, thousandths: 5_000 }),
  0,
  0,
);

const seen = (slow: number): GuardEvidence => ({
  ...nothing,
  candidateRequests: 15,
  candidateFailures: 3,
  controlRequests: 299,
  kinds: nothing.kinds.map((kind) => (kind.kind === "slow" ? { ...kind, candidateFailures: slow } : kind)),
});

test("a revert says what was counted in both arms, and whether it was a limit of the candidate's own", () => {
  const counts = "3 of 15 requests failed in the candidate, 0 of 299 in the control, at 5 %";
  expect(revertReason("comparative", seen(0))).toBe(counts);
  expect(revertReason("absolute", seen(0))).toBe(`${counts}; over an absolute limit`);
});

test("a revert for slow requests, which are no failures, says so", () => {
  expect(revertReason("comparative", { ...seen(6), candidateFailures: 0 })).toBe(
    "0 of 15 requests failed in the candidate, 0 of 299 in the control, at 5 %; 6 were slow in the candidate, 0 in the control",
  );
});
