import { type AbsoluteState, createAbsolute, createTally, type Tally } from "./absolute.ts";
import { createComparison } from "./comparative.ts";
import { assertGuardConfig, type GuardConfig, otherKind, slowKind } from "./config.ts";
import { type EvidenceStream, logAddExp, logSumExp } from "./evidence.ts";
import { boundAt, createPromotion, logPromotionEvidence, type PromotionTest, testOf } from "./promotion.ts";
import { createTrail, type Trail } from "./trail.ts";
import type { RecentUnits } from "./recent.ts";
import { countUnitsBelow, createUnitSet, type UnitSet } from "./units.ts";
import type { GuardEvidence, GuardStep } from "./verdict.ts";

/** Counts that wait to be compared. Requests are raw, failures are distinct and listed in the order of the kinds. */
export interface OpenBlock {
  candidateRequests: number;
  controlRequests: number;
  readonly candidateFailures: number[];
  readonly controlFailures: number[];
}

/** One percentage step, with the blocks that are still open in it. */
export interface EpochState extends GuardStep {
  /** Units that have failed and are candidates at this step. */
  candidateUnitsFailed: number;
  /** By stratum. */
  readonly blocks: Map<string, OpenBlock>;
}

/** One kind of failure, compared by itself. */
export interface KindState {
  readonly kind: string;
  readonly stream: EvidenceStream;
  candidateFailures: number;
  controlFailures: number;
  candidateDistinct: number;
  controlDistinct: number;
}

/** All that a guard knows of one release. It is changed in place by the guard's functions and by nothing else. */
export interface GuardState {
  readonly config: GuardConfig;
  /** Oldest first; the last one is the step that is in force. */
  readonly epochs: EpochState[];
  readonly unitStream: EvidenceStream;
  readonly units: UnitSet;
  unitsFailed: number;
  readonly recentUnits: RecentUnits;
  /** Apart from those that failed: who is often slow would hide that he fails. */
  readonly recentSlowUnits: RecentUnits;
  /** Whether reporters send units: decided by the first failure, before anything is compared. */
  unitsKnown: boolean | undefined;
  /** The declared kinds in their order, `slow` where slow requests count, then `other`: together the request stream. */
  readonly requestStreams: readonly KindState[];
  /** One for each distinct bound. */
  readonly promotion: readonly PromotionTest[];
  /** The estimate for the bound in force, made once a tick when somebody asks; undefined: nobody has yet. */
  promotionRequestsNeeded: number | null | undefined;
  readonly absolutes: readonly AbsoluteState[];
  readonly total: Tally;
  /** What came in since the last tick. */
  pending: Tally;
  /** Distinct candidate units that failed or were slow, kept up to `failuresMin`. */
  readonly candidateUnits: number[];
  /** Distinct candidate failures and slow requests of reporters that know no units. */
  failuresWithoutUnit: number;
  /** Reports of steps that are no longer kept. */
  lateReports: number;
  /** The slot of the caller's clock at the last tick. */
  clockSlot: number | undefined;
  /** Slots that have passed since the start; goes on over restarts. */
  slot: number;
  /** What time it was when the guard was told last, milliseconds since the Unix epoch; 0 where nobody ever said. */
  at: number;
  readonly trail: Trail;
  /** A person has taken the guard's hands off: it counts and decides nothing. */
  isOff: boolean;
  reverted: { readonly rule: "comparative" | "absolute"; readonly evidence: GuardEvidence } | undefined;
}

// Reached in at most 10 % of releases that are not worse than tolerated.
const logHoldEvidence = Math.log(10);

/** A guard's state at the start of a release. Raises VALIDATION for a configuration that is not usable. */
export function createState(config: GuardConfig, start: GuardStep): GuardState {
  assertGuardConfig(config);
  const units = createUnitSet();
  const named = [...config.kinds, ...(config.slowMs === null ? [] : [slowKind])];
  return {
    config,
    epochs: [createEpoch(units, start)],
    unitStream: createComparison(),
    units,
    unitsFailed: 0,
    recentUnits: new Map(),
    recentSlowUnits: new Map(),
    unitsKnown: undefined,
    requestStreams: [...named, otherKind].map(createKind),
    promotion: createPromotion(config, named),
    promotionRequestsNeeded: undefined,
    absolutes: config.absolute.map(createAbsolute),
    total: createTally(),
    pending: createTally(),
    candidateUnits: [],
    failuresWithoutUnit: 0,
    lateReports: 0,
    clockSlot: undefined,
    slot: 0,
    at: 0,
    trail: createTrail(),
    isOff: false,
    reverted: undefined,
  };
}

/** A step that begins now, given the units that have failed before it. */
export function createEpoch(units: UnitSet, { epoch, thousandths }: GuardStep): EpochState {
  return { epoch, thousandths, candidateUnitsFailed: countUnitsBelow(units, thousandths), blocks: new Map() };
}

function createKind(kind: string): KindState {
  return {
    kind,
    stream: createComparison(),
    candidateFailures: 0,
    controlFailures: 0,
    candidateDistinct: 0,
    controlDistinct: 0,
  };
}

/** The step that is in force. */
export function currentEpoch(state: GuardState): EpochState {
  const current = state.epochs.at(-1);
  if (current === undefined) throw new Error("a guard has at least the epoch that it was created with");
  return current;
}

/** ln of the request stream's evidence: the mean over the kinds. */
export function logRequestEvidence(state: GuardState): number {
  const [only] = state.requestStreams;
  // Most guards name no kinds, and this is asked for at every look.
  if (only !== undefined && state.requestStreams.length === 1) return only.stream.logEvidence;
  const logs = state.requestStreams.map(({ stream }) => stream.logEvidence);
  return logSumExp(logs) - Math.log(logs.length);
}

/** ln of the comparison's evidence: the mean of both streams, or the request stream alone where units are not known. */
export function logComparativeEvidence(state: GuardState): number {
  const requests = logRequestEvidence(state);
  return state.unitsKnown === true ? logAddExp(state.unitStream.logEvidence, requests) - Math.LN2 : requests;
}

/** ln of what the comparison has to reach for a hold. */
export function logHoldLine({ alpha }: GuardConfig): number {
  return Math.min(logHoldEvidence, -Math.log(alpha));
}

/** ln of the promotion test's evidence at the bound in force. */
export function logPromotionInForce(state: GuardState): number {
  return logPromotionEvidence(testOf(state.promotion, boundAt(state.config, currentEpoch(state).thousandths)));
}
