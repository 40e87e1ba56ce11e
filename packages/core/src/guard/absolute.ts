import { type AbsoluteMode, type AbsoluteRule, slotMs } from "./config.ts";
import { createStream, type EvidenceStream, evidenceOf, scoreBlock } from "./evidence.ts";

/** Raw counts of both arms. */
export interface Tally {
  candidateRequests: number;
  candidateFailures: number;
  controlRequests: number;
  controlFailures: number;
}

/** The last `windowMs` of a rule, in slots of 250 ms; slots without requests are not kept. */
export interface OutcomeWindow {
  readonly slots: (Tally & { readonly slot: number })[];
  /** The sum over the slots. */
  readonly total: Tally;
}

/** What a guard keeps of one absolute rule. */
export interface AbsoluteState {
  readonly rule: AbsoluteRule;
  readonly stream: EvidenceStream;
  readonly window: OutcomeWindow;
}

/** What is shown of one absolute rule: JSON. */
export interface AbsoluteEvidence {
  readonly mode: AbsoluteMode;
  readonly errorRateLimit: number;
  readonly windowMs: number;
  readonly requestsMin: number;
  /** The E value against "the candidate's rate is within the limit"; starts at 1. */
  readonly absoluteEvidence: number;
  /** What the evidence has to reach. */
  readonly threshold: number;
  readonly window: Readonly<Tally>;
  /** The control arm fails too, at more than half the limit: only the comparison decides meanwhile. */
  readonly suspended: boolean;
}

const limitMultiples = [1.5, 2, 4, 10, 50] as const;
const logHoldEvidence = Math.log(10);

export function createTally(): Tally {
  return { candidateRequests: 0, candidateFailures: 0, controlRequests: 0, controlFailures: 0 };
}

export function addTally(to: Tally, tally: Readonly<Tally>, sign: 1 | -1 = 1): void {
  to.candidateRequests += sign * tally.candidateRequests;
  to.candidateFailures += sign * tally.candidateFailures;
  to.controlRequests += sign * tally.controlRequests;
  to.controlFailures += sign * tally.controlFailures;
}

/** A rule that has seen nothing. */
export function createAbsolute(rule: AbsoluteRule): AbsoluteState {
  const multiples = limitMultiples.filter((multiple) => multiple * rule.errorRateLimit <= 1);
  const grid = multiples.map((multiple) => ({ multiple, weight: 1 / multiples.length }));
  return { rule, stream: createStream(grid), window: { slots: [], total: createTally() } };
}

/** Counts what came in since the last tick into the window's slot `slot` and into the evidence. */
export function tickAbsolute(state: AbsoluteState, slot: number, tally: Readonly<Tally>): void {
  const { rule, window } = state;
  const slotCount = Math.ceil(rule.windowMs / slotMs);
  for (
    let oldest = window.slots[0];
    oldest !== undefined && oldest.slot <= slot - slotCount;
    oldest = window.slots[0]
  ) {
    addTally(window.total, oldest, -1);
    window.slots.shift();
  }
  if (tally.candidateRequests + tally.controlRequests > 0) {
    window.slots.push({ ...tally, slot });
    addTally(window.total, tally);
  }
  if (tally.candidateRequests === 0) return;
  // ln of the Poisson bound on "the rate is `multiple` limits" against "the rate is the limit".
  scoreBlock(
    state.stream,
    true,
    (multiple) =>
      tally.candidateFailures * Math.log(multiple) - tally.candidateRequests * rule.errorRateLimit * (multiple - 1),
  );
}

/**
 * Whether a rule reverts: the window is over the limit and, unless it is taken literally, the evidence confirms it, and it is
 * the candidate's own doing. The window alone fires in every shared outage; so does the evidence in one that is slow to reach
 * the control arm, hence the comparison, wherever there is a control arm to compare with (`AbsoluteMode`).
 */
export function confirmsAbsolute(state: AbsoluteState, logComparativeEvidence: number): boolean {
  const { rule, stream, window } = state;
  const { candidateRequests, candidateFailures, controlRequests } = window.total;
  if (candidateRequests < rule.requestsMin) return false;
  if (!(candidateFailures > rule.errorRateLimit * candidateRequests)) return false;
  if (rule.mode === "literal") return true;
  if (stream.logEvidence < -Math.log(rule.alpha)) return false;
  if (isSuspended(state)) return false;
  if (rule.mode === "evidence") return true;
  return logComparativeEvidence >= logHoldEvidence || controlRequests < rule.requestsMin;
}

function isSuspended({ rule, window }: AbsoluteState): boolean {
  return window.total.controlFailures > (rule.errorRateLimit / 2) * window.total.controlRequests;
}

/** What to show of a rule. */
export function absoluteEvidenceOf(state: AbsoluteState): AbsoluteEvidence {
  const { mode, errorRateLimit, windowMs, requestsMin, alpha } = state.rule;
  return {
    mode,
    errorRateLimit,
    windowMs,
    requestsMin,
    absoluteEvidence: evidenceOf(state.stream.logEvidence),
    threshold: 1 / alpha,
    window: { ...state.window.total },
    suspended: isSuspended(state),
  };
}
