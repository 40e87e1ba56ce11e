import { SluiceError } from "../error.ts";

/**
 * Which batches of which reporters were counted already, so that a repeated one counts once. Of each reporter it keeps the
 * highest sequence and the 31 before it: batches may overtake each other by that much, anything older is taken for a repeat.
 */
export interface SequenceLog {
  readonly reportersMax: number;
  /** In the order of the last accepted batch, the longest silent reporter first. */
  readonly reporters: Map<string, { highest: number; seen: number }>;
}

/** The JSON form of a sequence log. */
export interface StoredSequenceLog {
  readonly reportersMax: number;
  readonly reporters: readonly (readonly [reporter: string, highest: number, seen: number])[];
}

// A reporter's bits are one number of 32.
const behindMax = 31;
const reportersDefault = 20_000;

/** A log that has seen nothing. Past `reportersMax` (20,000) the longest silent reporter is forgotten. */
export function createSequenceLog(options: { reportersMax?: number } = {}): SequenceLog {
  return { reportersMax: options.reportersMax ?? reportersDefault, reporters: new Map() };
}

/**
 * Takes a batch's number and says whether the batch is to be counted: true exactly once for each (reporter, sequence).
 * Raises VALIDATION where the sequence is not a whole number of at least 0.
 */
export function acceptSequence(log: SequenceLog, reporter: string, sequence: number): boolean {
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw new SluiceError("VALIDATION", `a batch's sequence must be a whole number of at least 0, not ${sequence}`, {
      details: { reporter, sequence },
    });
  }
  const known = log.reporters.get(reporter);
  const entry = known === undefined ? { highest: sequence, seen: 1 } : mark(known, sequence);
  if (entry === undefined) return false;
  log.reporters.delete(reporter);
  log.reporters.set(reporter, entry);
  for (const longestSilent of log.reporters.keys()) {
    if (log.reporters.size <= log.reportersMax) break;
    log.reporters.delete(longestSilent);
  }
  return true;
}

// Bit i of `seen` stands for the sequence `highest - i`. Shifts of 32 and more wrap around in JavaScript.
function mark(entry: { highest: number; seen: number }, sequence: number): typeof entry | undefined {
  const ahead = sequence - entry.highest;
  if (ahead > 0) {
    const kept = ahead <= behindMax ? (entry.seen << ahead) >>> 0 : 0;
    return { highest: sequence, seen: (kept | 1) >>> 0 };
  }
  if (-ahead > behindMax) return undefined;
  const bit = (1 << -ahead) >>> 0;
  return (entry.seen & bit) === 0 ? { highest: entry.highest, seen: (entry.seen | bit) >>> 0 } : undefined;
}

/** The log as JSON, to be kept beside the guards that its batches were counted in. */
export function serializeSequenceLog(log: SequenceLog): StoredSequenceLog {
  return {
    reportersMax: log.reportersMax,
    reporters: [...log.reporters].map(([reporter, { highest, seen }]) => [reporter, highest, seen] as const),
  };
}

/** The log that was stored. */
export function restoreSequenceLog(stored: StoredSequenceLog): SequenceLog {
  return {
    reportersMax: stored.reportersMax,
    reporters: new Map(stored.reporters.map(([reporter, highest, seen]) => [reporter, { highest, seen }])),
  };
}
