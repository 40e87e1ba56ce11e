import { type Arm, activeRelease, armOf, bucketOf, everybodyThousandths, own, type ReleaseState } from "@sluice/core";
import type { Snapshot } from "@sluice/replica";
import type { Tally } from "./counting.ts";
import type { ItemCache, LineRef, LineRefs } from "./item-cache.ts";

/** How new views read one dataset at one snapshot. */
export interface DatasetRoute {
  readonly dataset: string;
  readonly cache: ItemCache;
  readonly lines: LineRefs;
  /** The running or baking release. */
  readonly release: ReleaseState | null;
  /** Whether the candidate may be shown here at all: prepared, neither marked nor refused. */
  readonly isOpen: boolean;
}

/** What one view reads of one dataset, fixed when the view is made. */
export interface Choice {
  readonly cache: ItemCache;
  /** Null where nothing is prepared. */
  readonly line: LineRef | null;
  /** The release that was active, and the side of it that was served. */
  readonly release: string | null;
  readonly arm: Arm | null;
  /** Where it matters whether the view read an item in which the lines differ. */
  readonly comparison: Comparison | null;
}

/** The line that was not chosen, and what became of the view so far. */
export interface Comparison {
  readonly other: LineRef;
  readonly tally: Tally;
}

/** How new views read every dataset at one snapshot. */
export interface Routes {
  /** What every view reads that is not asked about a release. */
  readonly plain: ReadonlyMap<string, Choice>;
  /** The datasets with a running or baking release. */
  readonly released: readonly DatasetRoute[];
}

/** The route of one dataset. `refused` are the releases whose candidate this process does not take. */
export function routeOf(
  dataset: string,
  cache: ItemCache,
  lines: LineRefs,
  { state, marks }: Snapshot,
  refused: ReadonlySet<string>,
): DatasetRoute {
  const release = activeRelease(state, dataset) ?? null;
  if (release === null) return { dataset, cache, lines, release, isOpen: false };
  // A candidate of an earlier, superseded release may still be the newest one prepared.
  const publish = own(state.datasets, dataset)?.candidate?.publish ?? Number.POSITIVE_INFINITY;
  const isPrepared = lines.candidate !== null && lines.candidate.version.number >= publish;
  // Without a stable version here a refusal would leave nothing to read.
  const isRefused = refused.has(release.id) && lines.stable !== null;
  return { dataset, cache, lines, release, isOpen: isPrepared && !isRefused && !marks.has(release.id) };
}

/** What every new view shares, worked out once for a snapshot. */
export function routesOf(list: readonly DatasetRoute[]): Routes {
  return {
    plain: new Map(list.map((route) => [route.dataset, stableOf(route)])),
    released: list.filter(({ release }) => release !== null),
  };
}

/**
 * Chooses the line of one view. A view is counted only where this process could have served it either line: otherwise the arms
 * would differ by more than the version.
 */
export function chooseLine(route: DatasetRoute, targetingKey: string | undefined, leaseHeld: boolean): Choice {
  const { cache, lines, release } = route;
  if (release === null) return stableOf(route);
  const everybody = isForEverybody(release);
  const unit = targetingKey === undefined ? null : bucketOf(release.salt, targetingKey);
  // Without a key nobody is on a side until everybody is.
  const bucketArm = unit === null ? armOf(0, everybody ? 1 : 0) : armOf(unit, release.thousandths);
  const eligible = route.isOpen && (everybody || leaseHeld);
  const arm: Arm = eligible ? bucketArm : "control";
  const [line, other] = arm === "candidate" ? [lines.candidate, lines.stable] : [lines.stable, lines.candidate];
  const counted = eligible && unit !== null && line !== null && other !== null;
  const compared = other !== null && (counted || arm === "candidate");
  const { id, epoch, plan } = release;
  const tally = { release: id, epoch, arm, unit: unit ?? 0, counted, plan, read: false, touched: false };
  return { cache, line, release: release.id, arm, comparison: compared ? { other, tally } : null };
}

/** Stable, and counted in neither arm. */
function stableOf({ cache, lines, release }: Pick<DatasetRoute, "cache" | "lines" | "release">): Choice {
  return {
    cache,
    line: lines.stable,
    release: release?.id ?? null,
    arm: release === null ? null : "control",
    comparison: null,
  };
}

/** From the event that sets 100 % on, the candidate needs no lease: losing the origin must not undo it. */
function isForEverybody(release: ReleaseState): boolean {
  return release.phase === "baking" || release.thousandths >= everybodyThousandths;
}
