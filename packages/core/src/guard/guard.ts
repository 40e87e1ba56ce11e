import { assert } from "../assert.ts";
import { SluiceError } from "../error.ts";
import { addTally, createTally, type Tally, tickAbsolute } from "./absolute.ts";
import { closeBlock } from "./comparative.ts";
import { type GuardConfig, otherKind, slotMs, slowKind } from "./config.ts";
import { giveVerdict, latchAbsolute, latchComparative } from "./decision.ts";
import { stepStream } from "./evidence.ts";
import { noteCrossings, notePoint } from "./history.ts";
import { closePromotionBlock, type PromotionFailures } from "./promotion.ts";
import { countFresh } from "./recent.ts";
import { type ArmReport, assertOutcomeReport, type OutcomeReport } from "./report.ts";
import {
  createEpoch,
  createState,
  currentEpoch,
  type EpochState,
  type GuardState,
  type KindState,
  type OpenBlock,
} from "./state.ts";
import { addUnit, unitCount } from "./units.ts";
import type { GuardStep, GuardVerdict } from "./verdict.ts";

/** Steps whose late reports still count, the one in force among them. */
export const epochsMax = 8;
/** Strata of one step. */
export const strataMax = 64;
// With a single request an arm has no rate to speak of; such blocks wait and merge.
const blockRequestsMin = 2;

/**
 * Starts the guard of one release at its first step. Raises VALIDATION for a configuration or step that is not usable.
 * A release that is tried again is another release, with another salt and another guard.
 */
export function createGuard(config: GuardConfig, start: GuardStep): GuardState {
  assertStep(start);
  return createState(config, start);
}

/**
 * Counts one report. The caller has made sure that it is not a repeat (`acceptSequence`).
 * Reports of the last 8 steps go to the step that they name; those of older ones are left out and counted as late.
 * Raises VALIDATION, and counts nothing, for a step that never was, for bad counts and for units in the wrong arm.
 * `at` is what time it is, in milliseconds since the Unix epoch (default: what it was at the last call); nothing is decided by it.
 */
export function ingest(state: GuardState, report: OutcomeReport, at: number = state.at): void {
  state.at = at;
  const epoch = epochOf(state, report.epoch);
  if (epoch === undefined) {
    state.lateReports += 1;
    return;
  }
  assertOutcomeReport(report, epoch.thousandths);
  const block = openBlock(state, epoch, report.stratum ?? "");

  const candidate = countArm(state, report.candidate, "candidate", block.candidateFailures);
  const control = countArm(state, report.control, "control", block.controlFailures);
  block.candidateRequests += candidate.requests;
  block.controlRequests += control.requests;
  const tally: Tally = {
    candidateRequests: candidate.requests,
    candidateFailures: candidate.failures,
    controlRequests: control.requests,
    controlFailures: control.failures,
  };
  addTally(state.total, tally);
  addTally(state.pending, tally);

  // Slow requests are neither: what they name is no unit that failed.
  const failed = candidate.failures + control.failures > 0;
  const hasUnits = report.candidate.units.length + report.control.units.length > 0;
  if (failed) state.unitsKnown ??= hasUnits;
  if (hasUnits) rememberCandidateUnits(state, report.candidate.units);
  else state.failuresWithoutUnit += candidate.distinct;
  if (report.candidate.slowUnits === undefined) state.failuresWithoutUnit += candidate.slow;
  else if (state.config.slowMs !== null) rememberCandidateUnits(state, report.candidate.slowUnits);
  // A reporter that knows no units has nothing to say about them where something failed.
  if (hasUnits || !failed) {
    compareUnits(state, epoch, report, candidate.requests);
    latchComparative(state);
  }
}

/**
 * Tells the guard that the percentage changed: every open block closes, the evidence stays. A repeat of the step in
 * force changes nothing. Raises VALIDATION where the step is not later than the last one. `at` as for `ingest`.
 */
export function stepGuard(state: GuardState, step: GuardStep, at: number = state.at): void {
  assertStep(step);
  state.at = at;
  const current = currentEpoch(state);
  if (step.epoch === current.epoch && step.thousandths === current.thousandths) return;
  if (step.epoch <= current.epoch) {
    throw new SluiceError("VALIDATION", `a step must be later than step ${current.epoch}, not ${step.epoch}`, {
      details: { epoch: step.epoch, current: current.epoch },
    });
  }
  closeRequestBlocks(state, 1);
  stepStream(state.unitStream);
  for (const { stream } of state.requestStreams) stepStream(stream);
  for (const { stream } of state.absolutes) stepStream(stream);
  state.epochs.push(createEpoch(state.units, step));
  if (state.epochs.length > epochsMax) state.epochs.shift();
  // Another bound may be in force.
  state.promotionRequestsNeeded = undefined;
  noteCrossings(state);
}

/**
 * Takes the guard's hands off a release, or puts them on again. While it is off it counts and neither reverts nor holds, and what
 * it had latched is forgotten. When it is on again the evidence of that moment decides, all that came in meanwhile included: this
 * spends no further alpha, since the promise is for evidence that ever reaches its line, at whatever moments one looks.
 */
export function setGuardOff(state: GuardState, isOff: boolean): void {
  if (state.isOff === isOff) return;
  state.isOff = isOff;
  if (isOff) {
    state.reverted = undefined;
    return;
  }
  latchComparative(state);
  latchAbsolute(state);
}

/**
 * Looks at the release. To be called every 250 ms, and as often besides as one likes (after each report, so that nothing
 * waits): the request stream and the windows move only once per slot of 250 ms, since a block that closed when
 * a failure arrives would know too much.
 *
 * `nowMs` is a monotonic clock's. After a restart it may start from anywhere. `at` as for `ingest`.
 */
export function tickGuard(state: GuardState, nowMs: number, at: number = state.at): GuardVerdict {
  advanceGuard(state, nowMs, at);
  return giveVerdict(state);
}

/**
 * Lets time pass as `tickGuard` does and gathers no evidence to be shown, which is most of a tick's cost: what is to be done then
 * `guardAction` says.
 */
export function advanceGuard(state: GuardState, nowMs: number, at: number = state.at): void {
  assert(Number.isFinite(nowMs), "a guard's clock gives a finite number of milliseconds");
  state.at = at;
  const clockSlot = Math.floor(nowMs / slotMs);
  if (clockSlot !== state.clockSlot) {
    // A clock that went back is another process's: one slot has passed, as far as anybody knows.
    const passed = state.clockSlot === undefined ? 1 : Math.max(1, clockSlot - state.clockSlot);
    state.clockSlot = clockSlot;
    state.slot += passed;
    // Before anything is latched, whose evidence would show the estimate of the slot before.
    state.promotionRequestsNeeded = undefined;
    closeRequestBlocks(state, blockRequestsMin);
    for (const absolute of state.absolutes) tickAbsolute(absolute, state.slot, state.pending);
    state.pending = createTally();
    // Also where no block closed: a guard that was stored while it was off comes back on, and its evidence may be beyond the line.
    latchComparative(state);
    latchAbsolute(state);
    notePoint(state);
  }
}

function assertStep({ epoch, thousandths }: GuardStep): void {
  if (!Number.isSafeInteger(epoch) || epoch < 0) {
    throw new SluiceError("VALIDATION", `a step's number must be a whole number of at least 0, not ${epoch}`, {
      details: { epoch },
    });
  }
  if (!Number.isInteger(thousandths) || thousandths < 0 || thousandths > unitCount) {
    throw new SluiceError("VALIDATION", `a step's thousandths must be 0 to ${unitCount}, not ${thousandths}`, {
      details: { thousandths },
    });
  }
}

function epochOf(state: GuardState, epoch: number): EpochState | undefined {
  const last = state.epochs.findLast((kept) => kept.epoch <= epoch);
  if (last?.epoch === epoch) return last;
  if (last === undefined && Number.isSafeInteger(epoch) && epoch >= 0) return undefined;
  throw new SluiceError("VALIDATION", `an outcome report names step ${epoch}, which this release never had`, {
    details: { path: "epoch", epoch, current: currentEpoch(state).epoch },
  });
}

function openBlock(state: GuardState, epoch: EpochState, stratum: string): OpenBlock {
  const open = epoch.blocks.get(stratum);
  if (open !== undefined) return open;
  // Strata must not be merged to make room: that is the mistake which they exist to prevent.
  if (epoch.blocks.size >= strataMax) {
    throw new SluiceError("VALIDATION", `a release has at most ${strataMax} strata; "${stratum}" would be one more`, {
      details: { path: "stratum", stratumMax: strataMax },
    });
  }
  const zeros = (): number[] => state.requestStreams.map(() => 0);
  const block = { candidateRequests: 0, controlRequests: 0, candidateFailures: zeros(), controlFailures: zeros() };
  epoch.blocks.set(stratum, block);
  return block;
}

/** What one arm of a report comes to. `failures` and `distinct` are without slow requests, whose distinct ones are `slow`. */
interface ArmCount {
  requests: number;
  failures: number;
  distinct: number;
  slow: number;
}

function countArm(
  state: GuardState,
  report: ArmReport,
  arm: "candidate" | "control",
  distinctByKind: number[],
): ArmCount {
  const sum: ArmCount = { requests: report.ok, failures: 0, distinct: 0, slow: 0 };
  const { units } = report;
  const slowUnits = (state.config.slowMs === null ? undefined : report.slowUnits) ?? [];
  // A reporter that names no units knows none, and is believed.
  let fresh = units.length > 0 ? countFresh(state.recentUnits, units, state.slot) : Infinity;
  const freshSlow = slowUnits.length > 0 ? countFresh(state.recentSlowUnits, slowUnits, state.slot) : Infinity;
  for (const [kind, { count, distinct: told }] of Object.entries(report.failures)) {
    const distinct = Math.min(told, kind === slowKind ? freshSlow : fresh);
    if (kind !== slowKind) fresh -= distinct;
    sum.requests += count;
    const index = streamOf(state, kind);
    const counts = state.requestStreams[index];
    if (counts === undefined) continue;
    distinctByKind[index] = (distinctByKind[index] ?? 0) + distinct;
    addFailures(counts, arm, count, distinct);
    if (kind === slowKind) {
      sum.slow += distinct;
    } else {
      sum.failures += count;
      sum.distinct += distinct;
    }
  }
  return sum;
}

/** Where a kind is compared: by itself where it is named, else as `other`; slow requests nowhere else than as such. */
function streamOf({ requestStreams }: GuardState, kind: string): number {
  const named = requestStreams.findIndex((stream) => stream.kind === kind);
  if (named >= 0 || kind === slowKind) return named;
  return requestStreams.findIndex((stream) => stream.kind === otherKind);
}

function addFailures(counts: KindState, arm: "candidate" | "control", count: number, distinct: number): void {
  if (arm === "candidate") {
    counts.candidateFailures += count;
    counts.candidateDistinct += distinct;
  } else {
    counts.controlFailures += count;
    counts.controlDistinct += distinct;
  }
}

function rememberCandidateUnits(state: GuardState, units: readonly number[]): void {
  for (const unit of units) {
    if (state.candidateUnits.length >= state.config.failuresMin) return;
    if (!state.candidateUnits.includes(unit)) state.candidateUnits.push(unit);
  }
}

// One report is one block of the unit stream: how many of the units still at risk failed for the first time, by arm.
function compareUnits(state: GuardState, epoch: EpochState, report: OutcomeReport, requests: number): void {
  const candidateAtRisk = epoch.thousandths - epoch.candidateUnitsFailed;
  const controlAtRisk = unitCount - epoch.thousandths - (state.unitsFailed - epoch.candidateUnitsFailed);
  const block = {
    candidateRequests: candidateAtRisk,
    candidateFailures: markFailed(state, report.candidate.units),
    controlRequests: controlAtRisk,
    controlFailures: markFailed(state, report.control.units),
  };
  closeBlock(state.unitStream, state.config, block, requests);
}

function markFailed(state: GuardState, units: readonly number[]): number {
  let newlyFailed = 0;
  for (const unit of units) {
    if (!addUnit(state.units, unit)) continue;
    newlyFailed += 1;
    for (const epoch of state.epochs) {
      if (unit < epoch.thousandths) epoch.candidateUnitsFailed += 1;
    }
  }
  state.unitsFailed += newlyFailed;
  return newlyFailed;
}

function closeRequestBlocks(state: GuardState, requestsMin: number): void {
  for (const epoch of state.epochs) {
    for (const block of epoch.blocks.values()) {
      const { candidateRequests, controlRequests } = block;
      if (requestsMin > 1 && (candidateRequests < requestsMin || controlRequests < requestsMin)) continue;
      for (const [index, { stream }] of state.requestStreams.entries()) {
        const candidateFailures = block.candidateFailures[index] ?? 0;
        const controlFailures = block.controlFailures[index] ?? 0;
        closeBlock(stream, state.config, { candidateRequests, candidateFailures, controlRequests, controlFailures });
      }
      closePromotionBlock(state.promotion, block, promotionFailures(state, block));
      block.candidateRequests = 0;
      block.controlRequests = 0;
      block.candidateFailures.fill(0);
      block.controlFailures.fill(0);
      latchComparative(state);
    }
  }
}

/** Of all kinds but slow requests together, then of each kind: the order of a promotion test's streams, which end before `other`. */
function promotionFailures({ requestStreams }: GuardState, block: OpenBlock): PromotionFailures[] {
  const total = { candidateFailures: 0, controlFailures: 0 };
  const kinds: PromotionFailures[] = [];
  for (const [index, { kind }] of requestStreams.entries()) {
    const candidateFailures = block.candidateFailures[index] ?? 0;
    const controlFailures = block.controlFailures[index] ?? 0;
    kinds.push({ candidateFailures, controlFailures });
    if (kind === slowKind) continue;
    total.candidateFailures += candidateFailures;
    total.controlFailures += controlFailures;
  }
  return [total, ...kinds];
}
