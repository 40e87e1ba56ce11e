import { isCounted, type Tally } from "./counting.ts";

/** So many of a release's given-up requests in a row are looked at together. */
const lookedAt = 20;

/** Requests that a time limit ends are given up within this share of the longest of them. */
const nearShare = 0.9;

/** What is given up within this share of `slowMs` says nothing of a limit: it was left at once. */
const leftAtOnceShare = 0.1;

/** Releases that are kept track of; of those that ended the oldest go first. */
const releasesMax = 100;

/** Requests that are given up before they could count as slow. */
export interface Impatient {
  readonly release: string;
  readonly dataset: string;
  /** About how long whoever asks waits, in milliseconds. */
  readonly givenUpAfterMs: number;
  /** From when on the plan calls a request slow, in milliseconds. */
  readonly slowMs: number;
}

/** Takes note of a view that was given up and of what it would have counted for. */
export type Impatience = (dataset: string, tally: Tally, durationMs: number) => void;

/**
 * Notices that whoever asks has a time limit below the plan's `slowMs`: requests that would be slow are given up before, and count
 * nowhere. People leave at any time; a limit gives up many at about the same. Says so once for each release.
 */
export function createImpatience(say: (impatient: Impatient) => void): Impatience {
  /** By release; null where it was said. */
  const waited = new Map<string, number[] | null>();

  return (dataset, tally, durationMs) => {
    const { release, plan } = tally;
    const { slowMs } = plan.guard;
    if (slowMs === null || durationMs > slowMs || durationMs < slowMs * leftAtOnceShare || !isCounted(tally)) return;
    const its = waited.get(release);
    if (its === null) return;
    if (its === undefined && waited.size >= releasesMax) waited.delete(waited.keys().next().value ?? release);
    const list = [...(its ?? []), durationMs].slice(-lookedAt);
    const longestMs = Math.max(...list);
    const near = list.filter((ms) => ms >= nearShare * longestMs).length;
    const isLimit = list.length === lookedAt && near > lookedAt / 2;
    waited.set(release, isLimit ? null : list);
    if (isLimit) say({ release, dataset, givenUpAfterMs: longestMs, slowMs });
  };
}
