import { SluiceError } from "../error.ts";
import type { AbsoluteState, Tally } from "./absolute.ts";
import type { GuardConfig } from "./config.ts";
import { type EvidenceStream, logStreamEvidence } from "./evidence.ts";
import { createEpoch, createState, type GuardState, type KindState, type OpenBlock } from "./state.ts";
import { countUnitsBelow, unitCount } from "./units.ts";
import type { GuardEvidence, GuardStep } from "./verdict.ts";

/** A stream as JSON; null stands for a stake of nothing, whose logarithm JSON has no number for. */
export interface StoredStream {
  readonly logCash: number;
  readonly logStakes: readonly (number | null)[];
  readonly informativeBlocks: number;
  readonly nextStakedShare: number;
}

/** A guard's state as JSON. A state that is lost costs another alpha, so it is kept with the release. */
export interface StoredGuard {
  readonly format: 1;
  readonly config: GuardConfig;
  readonly epochs: readonly (GuardStep & { readonly blocks: readonly (readonly [string, Readonly<OpenBlock>])[] })[];
  readonly unitStream: StoredStream;
  /** The words of the unit set that are not 0, by their index. */
  readonly units: readonly (readonly [index: number, word: number])[];
  readonly unitsKnown: boolean | null;
  readonly requestStreams: readonly (Omit<KindState, "stream"> & { readonly stream: StoredStream })[];
  readonly absolutes: readonly { readonly stream: StoredStream; readonly window: AbsoluteState["window"] }[];
  readonly total: Tally;
  readonly pending: Tally;
  readonly candidateUnits: readonly number[];
  readonly failuresWithoutUnit: number;
  readonly lateReports: number;
  readonly clockSlot: number | null;
  readonly slot: number;
  readonly reverted: { readonly rule: "comparative" | "absolute"; readonly evidence: GuardEvidence } | null;
}

/** The state as JSON that shares nothing with it. */
export function serializeGuard(state: GuardState): StoredGuard {
  return structuredClone<StoredGuard>({
    format: 1,
    config: state.config,
    epochs: state.epochs.map(({ epoch, thousandths, blocks }) => ({ epoch, thousandths, blocks: [...blocks] })),
    unitStream: storeStream(state.unitStream),
    units: [...state.units.entries()].filter(([, word]) => word !== 0),
    unitsKnown: state.unitsKnown ?? null,
    requestStreams: state.requestStreams.map(({ stream, ...counts }) => ({ ...counts, stream: storeStream(stream) })),
    absolutes: state.absolutes.map(({ stream, window }) => ({ stream: storeStream(stream), window })),
    total: state.total,
    pending: state.pending,
    candidateUnits: state.candidateUnits,
    failuresWithoutUnit: state.failuresWithoutUnit,
    lateReports: state.lateReports,
    clockSlot: state.clockSlot ?? null,
    slot: state.slot,
    reverted: state.reverted ?? null,
  });
}

/**
 * The state that was stored, which goes on exactly where it was. Raises VALIDATION where its configuration is not usable
 * and CORRUPT where it does not fit its configuration or was written by another format.
 */
export function restoreGuard(stored: StoredGuard): GuardState {
  const last = stored.epochs.at(-1);
  if (stored.format !== 1 || last === undefined) throw corrupt("format");
  const copy = structuredClone(stored);
  const fresh = createState(copy.config, last);
  if (copy.requestStreams.length !== fresh.requestStreams.length) throw corrupt("requestStreams");
  if (copy.absolutes.length !== fresh.absolutes.length) throw corrupt("absolutes");
  for (const [index, word] of copy.units) fresh.units[index] = word;

  return {
    config: copy.config,
    epochs: copy.epochs.map(({ blocks, ...step }) => ({ ...createEpoch(fresh.units, step), blocks: new Map(blocks) })),
    unitStream: restoreStream(fresh.unitStream, copy.unitStream, "unitStream"),
    units: fresh.units,
    unitsFailed: countUnitsBelow(fresh.units, unitCount),
    unitsKnown: copy.unitsKnown ?? undefined,
    requestStreams: copy.requestStreams.map((counts, index) => ({
      ...counts,
      stream: restoreStream(fresh.requestStreams[index]?.stream, counts.stream, `requestStreams[${index}]`),
    })),
    absolutes: fresh.absolutes.map((absolute, index) => ({
      rule: absolute.rule,
      stream: restoreStream(absolute.stream, copy.absolutes[index]?.stream, `absolutes[${index}]`),
      window: copy.absolutes[index]?.window ?? absolute.window,
    })),
    total: copy.total,
    pending: copy.pending,
    candidateUnits: [...copy.candidateUnits],
    failuresWithoutUnit: copy.failuresWithoutUnit,
    lateReports: copy.lateReports,
    clockSlot: copy.clockSlot ?? undefined,
    slot: copy.slot,
    reverted: copy.reverted ?? undefined,
  };
}

function storeStream({ logCash, stakes, informativeBlocks, nextStakedShare }: EvidenceStream): StoredStream {
  const logStakes = stakes.map(({ logStake }) => (logStake === -Infinity ? null : logStake));
  return { logCash, logStakes, informativeBlocks, nextStakedShare };
}

function restoreStream(
  fresh: EvidenceStream | undefined,
  stored: StoredStream | undefined,
  path: string,
): EvidenceStream {
  if (fresh === undefined || stored === undefined || stored.logStakes.length !== fresh.stakes.length)
    throw corrupt(path);
  const { logCash, logStakes, informativeBlocks, nextStakedShare } = stored;
  if (![logCash, informativeBlocks, nextStakedShare].every(Number.isFinite)) throw corrupt(path);
  const stakes = fresh.stakes.map((stake, index) => ({ ...stake, logStake: logStakes[index] ?? -Infinity }));
  const stream = { logCash, stakes, informativeBlocks, nextStakedShare, logEvidence: 0 };
  return { ...stream, logEvidence: logStreamEvidence(stream) };
}

function corrupt(path: string): SluiceError {
  return new SluiceError("CORRUPT", `a stored guard does not fit its configuration at "${path}"`, {
    details: { path },
  });
}
