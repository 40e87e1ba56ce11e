import { absoluteEvidenceOf, confirmsAbsolute } from "./absolute.ts";
import { evidenceOf } from "./evidence.ts";
import { boundAt, logPromotionEvidence, type PromotionRates, promotionRequestsNeeded, testOf } from "./promotion.ts";
import { slowKind } from "./config.ts";
import { currentEpoch, type GuardState, logComparativeEvidence, logHoldLine, logRequestEvidence } from "./state.ts";
import { noteCrossings } from "./history.ts";
import { unitCount } from "./units.ts";
import type { GuardEvidence, GuardVerdict, PromotionEvidence } from "./verdict.ts";

/** Latches a revert by the comparison. Called at every change of its evidence, since the bound holds at every look. */
export function latchComparative(state: GuardState): void {
  noteCrossings(state);
  if (state.reverted !== undefined || state.isOff) return;
  if (logComparativeEvidence(state) < -Math.log(state.config.alpha)) return;
  if (!failuresMinReached(state)) return;
  state.reverted = { rule: "comparative", evidence: gatherEvidence(state) };
}

/** Latches a revert by an absolute rule. Called after the comparison's latch, which notes the lines that were passed. */
export function latchAbsolute(state: GuardState): void {
  if (state.reverted !== undefined || state.isOff) return;
  if (!failuresMinReached(state)) return;
  const comparative = logComparativeEvidence(state);
  if (!state.absolutes.some((absolute) => confirmsAbsolute(absolute, comparative))) return;
  state.reverted = { rule: "absolute", evidence: gatherEvidence(state) };
}

/** What is to be done as the state stands, without the evidence that people read. */
export function guardAction(state: GuardState): GuardVerdict["action"] {
  if (state.reverted !== undefined) return "revert";
  // At 100 % there is no step left to hold back, and evidence that no longer moves would hold the bake for ever.
  const holds = !state.isOff && currentEpoch(state).thousandths !== unitCount && isSuspicious(state);
  return holds ? "hold" : "none";
}

/**
 * Whether a hold for suspicion may end at once: the comparison's evidence is at half of the line that holds, or below it. Evidence that
 * goes to and fro about the line itself would hold and let go on as often. At 100 % there is nothing to hold.
 */
export function hasFaded(state: GuardState): boolean {
  const { thousandths } = currentEpoch(state);
  return thousandths === unitCount || logComparativeEvidence(state) <= logHoldLine(state.config) - Math.LN2;
}

/** The verdict on the state as it stands. */
export function giveVerdict(state: GuardState): GuardVerdict {
  if (state.reverted !== undefined) return { action: "revert", ...state.reverted };
  const action = guardAction(state);
  return { action, rule: action === "hold" ? "comparative" : null, evidence: gatherEvidence(state) };
}

/**
 * Whether the promotion test is open: a plan that stands at this percentage (default: the current one) may take its next step.
 * Its evidence against "at least as bad as the bound in force there" has reached 1/beta, in all kinds of failures together and in
 * each named kind by itself, and the comparison does not find the candidate suspicious. At 100 % there is no step left.
 */
export function isPromotionOpen(state: GuardState, thousandths: number = currentEpoch(state).thousandths): boolean {
  if (thousandths >= unitCount || state.reverted !== undefined || isSuspicious(state)) return false;
  const test = testOf(state.promotion, boundAt(state.config, thousandths));
  return logPromotionEvidence(test) >= -Math.log(state.config.promotion.beta);
}

/** How many candidate requests the promotion test still needs, by the slowest of its streams; null where one gets nowhere. */
function estimatePromotion(state: GuardState): number | null {
  const { thousandths } = currentEpoch(state);
  const test = testOf(state.promotion, boundAt(state.config, thousandths));
  const logNeeded = -Math.log(state.config.promotion.beta);
  let needed = 0;
  for (const stream of test.streams) {
    const options = { candidateShare: thousandths / unitCount, logNeeded };
    const requests = promotionRequestsNeeded(test, stream, ratesOf(state, stream.kind), options);
    if (requests === null) return null;
    needed = Math.max(needed, requests);
  }
  return needed;
}

function ratesOf({ total, requestStreams }: GuardState, kind: string | null): PromotionRates {
  const { candidateRequests, controlRequests } = total;
  let [candidateFailures, controlFailures] = [0, 0];
  for (const stream of requestStreams) {
    if (kind === null ? stream.kind === slowKind : stream.kind !== kind) continue;
    candidateFailures += stream.candidateDistinct;
    controlFailures += stream.controlDistinct;
  }
  return { candidateRequests, controlRequests, candidateFailures, controlFailures };
}

/** Whether the comparison's evidence has reached the line that holds, with the guard off too. */
export function isSuspicious(state: GuardState): boolean {
  return logComparativeEvidence(state) >= logHoldLine(state.config);
}

// Of distinct units where they are known, so that one user's retries never take a version from everybody.
function failuresMinReached(state: GuardState): boolean {
  return state.candidateUnits.length + state.failuresWithoutUnit >= state.config.failuresMin;
}

function gatherEvidence(state: GuardState): GuardEvidence {
  const { epoch, thousandths } = currentEpoch(state);
  return {
    epoch,
    thousandths,
    ...state.total,
    comparison: thousandths === unitCount ? "off, no control" : "on",
    comparativeEvidence: evidenceOf(logComparativeEvidence(state)),
    threshold: 1 / state.config.alpha,
    unitEvidence: state.unitsKnown === true ? evidenceOf(state.unitStream.logEvidence) : null,
    requestEvidence: evidenceOf(logRequestEvidence(state)),
    kinds: state.requestStreams.map(({ stream, ...counts }) => ({
      ...counts,
      evidence: evidenceOf(stream.logEvidence),
    })),
    absoluteEvidence: state.absolutes.map(absoluteEvidenceOf),
    promotion: promotionOf(state),
    failuresMinReached: failuresMinReached(state),
    lateReports: state.lateReports,
    crossings: [...state.trail.crossings],
  };
}

function promotionOf(state: GuardState): PromotionEvidence {
  const bound = boundAt(state.config, currentEpoch(state).thousandths);
  const test = testOf(state.promotion, bound);
  if (state.promotionRequestsNeeded === undefined) state.promotionRequestsNeeded = estimatePromotion(state);
  return {
    bound,
    evidence: evidenceOf(logPromotionEvidence(test)),
    threshold: 1 / state.config.promotion.beta,
    open: isPromotionOpen(state),
    requestsNeeded: state.promotionRequestsNeeded,
    streams: test.streams.map(({ kind, logEvidence }) => ({ kind, evidence: evidenceOf(logEvidence) })),
  };
}
