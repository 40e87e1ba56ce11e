import type { GuardEvidence } from "../guard/verdict.ts";

/**
 * Evidence that a promotion test might show: what it says is nothing to the machine. Written down and not asked of a guard: a guard
 * that is made while a file loads makes every mutant of it one that all tests have to be loaded anew for.
 */
export const proof: GuardEvidence = {
  epoch: 1,
  thousandths: 1_000,
  candidateRequests: 5_000,
  candidateFailures: 5,
  controlRequests: 495_000,
  controlFailures: 495,
  comparison: "on",
  comparativeEvidence: 0.5,
  threshold: 1 / 0.006,
  unitEvidence: null,
  requestEvidence: 0.5,
  kinds: [
    {
      kind: "other",
      evidence: 0.5,
      candidateFailures: 5,
      controlFailures: 495,
      candidateDistinct: 5,
      controlDistinct: 495,
    },
  ],
  absoluteEvidence: [],
  promotion: {
    bound: { fromThousandths: 0, worseRatio: 5, worseExtraRate: 0.01 },
    evidence: 12,
    threshold: 10,
    open: true,
    requestsNeeded: 0,
    streams: [{ kind: null, evidence: 12 }],
  },
  failuresMinReached: true,
  lateReports: 0,
  crossings: [],
};
