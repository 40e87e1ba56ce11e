import { SluiceError } from "../error.ts";
import type { AbsoluteState, Tally } from "./absolute.ts";
import type { GuardConfig } from "./config.ts";
import { type EvidenceStream, logStreamEvidence } from "./evidence.ts";
import { logStreamPromotion, type PromotionTest } from "./promotion.ts";
import { createEpoch, createState, type GuardState, type KindState, type OpenBlock } from "./state.ts";
import type { Trail } from "./trail.ts";
import { restoreRecent, storeRecent, type StoredRecentUnits } from "./recent.ts";
import { countUnitsBelow, unitCount } from "./units.ts";
import type { EvidencePoint, GuardEvidence, GuardStep } from "./verdict.ts";

/** A stream as JSON; null stands for a stake of nothing, whose logarithm JSON has no number for. */
export interface StoredStream {
  readonly logCash: number;
  readonly logStakes: readonly (number | null)[];
  readonly informativeBlocks: number;
  readonly nextStakedShare: number;
}

/** A promotion test as JSON: the streams in their order, all kinds together first. */
export interface StoredPromotion {
  readonly worseRatio: number;
  readonly worseExtraRate: number;
  readonly logScores: readonly (readonly number[])[];
}

/** A history's point as JSON: the fields of `EvidencePoint` in their order. A history is kept each second. */
export type StoredPoint = readonly [
  at: number,
  thousandths: number,
  candidateRequests: number,
  candidateFailures: number,
  controlRequests: number,
  controlFailures: number,
  logComparative: number,
  logUnits: number | null,
  logRequests: number,
  logPromotion: number,
];

/** A guard's state as JSON. A state that is lost costs another alpha, so it is kept with the release. */
export interface StoredGuard {
  readonly format: 2;
  readonly config: GuardConfig;
  readonly epochs: readonly (GuardStep & { readonly blocks: readonly (readonly [string, Readonly<OpenBlock>])[] })[];
  readonly unitStream: StoredStream;
  /** The words of the unit set that are not 0, by their index. */
  readonly units: readonly (readonly [index: number, word: number])[];
  readonly recentUnits: StoredRecentUnits;
  /** Left out by versions that did not ask who was slow. */
  readonly recentSlowUnits?: StoredRecentUnits;
  readonly unitsKnown: boolean | null;
  readonly requestStreams: readonly (Omit<KindState, "stream"> & { readonly stream: StoredStream })[];
  readonly promotion: readonly StoredPromotion[];
  readonly promotionRequestsNeeded?: number | null | undefined;
  readonly absolutes: readonly { readonly stream: StoredStream; readonly window: AbsoluteState["window"] }[];
  readonly total: Tally;
  readonly pending: Tally;
  readonly candidateUnits: readonly number[];
  readonly failuresWithoutUnit: number;
  readonly lateReports: number;
  readonly clockSlot: number | null;
  readonly slot: number;
  readonly at: number;
  readonly trail: Omit<Trail, "points"> & { readonly points: readonly StoredPoint[] };
  readonly reverted: { readonly rule: "comparative" | "absolute"; readonly evidence: GuardEvidence } | null;
}

/** The state as JSON that shares nothing with it. */
export function serializeGuard(state: GuardState): StoredGuard {
  return structuredClone<StoredGuard>({
    format: 2,
    config: state.config,
    epochs: state.epochs.map(({ epoch, thousandths, blocks }) => ({ epoch, thousandths, blocks: [...blocks] })),
    unitStream: storeStream(state.unitStream),
    units: [...state.units.entries()].filter(([, word]) => word !== 0),
    recentUnits: storeRecent(state.recentUnits),
    recentSlowUnits: storeRecent(state.recentSlowUnits),
    unitsKnown: state.unitsKnown ?? null,
    requestStreams: state.requestStreams.map(({ stream, ...counts }) => ({ ...counts, stream: storeStream(stream) })),
    promotion: state.promotion.map(({ worseRatio, worseExtraRate, streams }) => ({
      worseRatio,
      worseExtraRate,
      logScores: streams.map(({ logScores }) => logScores),
    })),
    promotionRequestsNeeded: state.promotionRequestsNeeded,
    absolutes: state.absolutes.map(({ stream, window }) => ({ stream: storeStream(stream), window })),
    total: state.total,
    pending: state.pending,
    candidateUnits: state.candidateUnits,
    failuresWithoutUnit: state.failuresWithoutUnit,
    lateReports: state.lateReports,
    clockSlot: state.clockSlot ?? null,
    slot: state.slot,
    at: state.at,
    trail: { ...state.trail, points: state.trail.points.map(storePoint) },
    reverted: state.reverted ?? null,
  });
}

/**
 * The state that was stored, which goes on exactly where it was; whether it is off is not stored. Raises VALIDATION where its configuration is not usable
 * and CORRUPT where it does not fit its configuration or was written by another format.
 */
export function restoreGuard(stored: StoredGuard): GuardState {
  const last = stored.epochs.at(-1);
  if (stored.format !== 2 || last === undefined) throw corrupt("format");
  const copy = structuredClone(stored);
  const fresh = createState(copy.config, last);
  if (copy.trail.above.length !== fresh.trail.above.length) throw corrupt("trail");
  for (const [index, word] of copy.units) fresh.units[index] = word;

  return {
    config: copy.config,
    epochs: copy.epochs.map(({ blocks, ...step }) => ({ ...createEpoch(fresh.units, step), blocks: new Map(blocks) })),
    unitStream: restoreStream(fresh.unitStream, copy.unitStream, "unitStream"),
    units: fresh.units,
    unitsFailed: countUnitsBelow(fresh.units, unitCount),
    recentUnits: restoreRecent(copy.recentUnits),
    recentSlowUnits: restoreRecent(copy.recentSlowUnits ?? []),
    unitsKnown: copy.unitsKnown ?? undefined,
    requestStreams: pairs(fresh.requestStreams, copy.requestStreams, "requestStreams").map(([kind, counts], index) => ({
      ...counts,
      stream: restoreStream(kind.stream, counts.stream, `requestStreams[${index}]`),
    })),
    promotion: pairs(fresh.promotion, copy.promotion, "promotion").map(([test, scores], index) =>
      restorePromotion(test, scores, `promotion[${index}]`),
    ),
    promotionRequestsNeeded: copy.promotionRequestsNeeded,
    absolutes: pairs(fresh.absolutes, copy.absolutes, "absolutes").map(([{ rule, stream }, absolute], index) => ({
      rule,
      stream: restoreStream(stream, absolute.stream, `absolutes[${index}]`),
      window: absolute.window,
    })),
    total: copy.total,
    pending: copy.pending,
    candidateUnits: [...copy.candidateUnits],
    failuresWithoutUnit: copy.failuresWithoutUnit,
    lateReports: copy.lateReports,
    clockSlot: copy.clockSlot ?? undefined,
    slot: copy.slot,
    at: copy.at,
    trail: { ...copy.trail, points: copy.trail.points.map(restorePoint) },
    isOff: false,
    reverted: copy.reverted ?? undefined,
  };
}

function storeStream({ logCash, stakes, informativeBlocks, nextStakedShare }: EvidenceStream): StoredStream {
  const logStakes = stakes.map(({ logStake }) => (logStake === -Infinity ? null : logStake));
  return { logCash, logStakes, informativeBlocks, nextStakedShare };
}

function restoreStream(fresh: EvidenceStream, stored: StoredStream, path: string): EvidenceStream {
  const { logCash, logStakes, informativeBlocks, nextStakedShare } = stored;
  if (![logCash, informativeBlocks, nextStakedShare].every(Number.isFinite)) throw corrupt(path);
  const stakes = pairs(fresh.stakes, logStakes, path).map(([stake, logStake]) => ({
    ...stake,
    logStake: logStake ?? -Infinity,
  }));
  const stream = { logCash, stakes, informativeBlocks, nextStakedShare, logEvidence: 0 };
  return { ...stream, logEvidence: logStreamEvidence(stream) };
}

function restorePromotion(fresh: PromotionTest, stored: StoredPromotion, path: string): PromotionTest {
  const { worseRatio, worseExtraRate } = fresh;
  if (stored.worseRatio !== worseRatio || stored.worseExtraRate !== worseExtraRate) throw corrupt(path);
  const streams = pairs(fresh.streams, stored.logScores, path).map(([stream, scores]) => {
    const logScores = pairs(stream.logScores, scores, path).map(([, logScore]) => logScore);
    if (!logScores.every(Number.isFinite)) throw corrupt(path);
    return { kind: stream.kind, logScores, logEvidence: logStreamPromotion(logScores) };
  });
  return { worseRatio, worseExtraRate, streams };
}

/** What the configuration asks for beside what was stored for it: one for one, or the record is of another configuration. */
function pairs<Fresh, Stored>(fresh: readonly Fresh[], stored: readonly Stored[], path: string): [Fresh, Stored][] {
  const rest = stored.values();
  const paired = fresh.map((one): [Fresh, Stored] => {
    const next = rest.next();
    if (next.done === true) throw corrupt(path);
    return [one, next.value];
  });
  if (rest.next().done !== true) throw corrupt(path);
  return paired;
}

function storePoint(point: EvidencePoint): StoredPoint {
  const { at, thousandths, candidateRequests, candidateFailures, controlRequests, controlFailures } = point;
  const { logComparative, logUnits, logRequests, logPromotion } = point;
  const counts = [candidateRequests, candidateFailures, controlRequests, controlFailures] as const;
  return [at, thousandths, ...counts, logComparative, logUnits, logRequests, logPromotion];
}

function restorePoint(point: StoredPoint): EvidencePoint {
  const [at, thousandths, candidateRequests, candidateFailures, controlRequests, controlFailures, ...logs] = point;
  const [logComparative, logUnits, logRequests, logPromotion] = logs;
  const counts = { candidateRequests, candidateFailures, controlRequests, controlFailures };
  return { at, thousandths, ...counts, logComparative, logUnits, logRequests, logPromotion };
}

function corrupt(path: string): SluiceError {
  return new SluiceError("CORRUPT", `a stored guard does not fit its configuration at "${path}"`, {
    details: { path },
  });
}
