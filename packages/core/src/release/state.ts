import { own } from "../own.ts";
import type { Check } from "../version/checks.ts";
import type { DifferenceSummary } from "../version/difference.ts";
import type { Actor, BytesOrigin, Cause, Dropped, QuarantinedChanges, SourceDefinition } from "./event.ts";
import type { Plan } from "./plan.ts";

/** What a line that brought an older version back was made of. */
export interface RestoredFrom {
  /** The version whose content it began with. */
  readonly version: number;
  readonly mode: "exact" | "reapply";
  readonly dropped: Dropped;
  readonly reason: string;
}

/** One of the two lines of versions that a release stands between. It begins with a publish and goes on with patches. */
export interface Line {
  /** Number of the version that began the line: what a person looked at. */
  readonly publish: number;
  /** Number of its newest version. */
  readonly number: number;
  readonly contentHash: string;
  readonly items: number;
  /** Milliseconds since the Unix epoch at which the line's first version was published. */
  readonly publishedAt: number;
  readonly publishedBy: Actor;
  readonly origin: BytesOrigin;
  readonly difference: DifferenceSummary;
  readonly changes: string | null;
  readonly quarantinedChanges: QuarantinedChanges | null;
  /** Null of a line that was published. */
  readonly restored: RestoredFrom | null;
}

/** The mark that a revert leaves on a line. */
export interface QuarantineMark {
  readonly publish: number;
  /** The reverted release; null where an older version was restored over what was finished. */
  readonly release: string | null;
  readonly at: number;
  readonly by: Actor;
  readonly reason: string;
  /** SHA-256 of the bytes that the line was published from. */
  readonly bytesHash: string;
  /** Blob of the changed items at the origin. */
  readonly changes: string | null;
  /** Keys that a person has lifted. */
  readonly liftedKeys: readonly string[];
}

/** What was refused last, for `status`. */
export interface Refusal {
  readonly at: number;
  readonly by: Actor;
  readonly number: number | null;
  readonly code: string;
  readonly message: string;
  readonly origin: BytesOrigin | null;
}

/** One dataset. */
export interface DatasetState {
  readonly name: string;
  readonly policy: "immediate" | "canary";
  readonly plan: Plan;
  readonly checks: readonly Check[];
  /** The highest number given to a version, refused ones included. */
  readonly lastNumber: number;
  readonly stable: Line | null;
  /** When the stable line became what everybody sees, and by whom. */
  readonly stableSince: { readonly at: number; readonly by: Actor } | null;
  /** The line that a release shows to a percentage; held where `release` is null. */
  readonly candidate: Line | null;
  /** The running or baking release. */
  readonly release: string | null;
  readonly sources: Readonly<Record<string, SourceDefinition>>;
  readonly quarantine: readonly QuarantineMark[];
  readonly lastRefusal: Refusal | null;
}

/** Where a release stands. `running` and `baking` are active; the others are ends. */
export type ReleasePhase = "running" | "baking" | "completed" | "reverted" | "superseded";

/** While the guard is off its own rules do nothing. */
export interface GuardOff {
  readonly by: Actor;
  /** Milliseconds since the Unix epoch, as is `until`. */
  readonly at: number;
  readonly until: number;
  readonly reason: string;
}

/** A person let go on what an alert or a rule of the guard held. */
export interface Overruled {
  readonly by: Actor;
  readonly epoch: number;
}

/** One release. */
export interface ReleaseState {
  readonly id: string;
  readonly dataset: string;
  readonly salt: string;
  readonly plan: Plan;
  readonly phase: ReleasePhase;
  readonly thousandths: number;
  /** Number of the percentage step, from 1; outcomes of two epochs are never added up. */
  readonly epoch: number;
  /** Since when the release stands at this percentage, or bakes. A resume counts the hold anew. */
  readonly stepSince: number;
  /** When the percentage was set last, whatever was held and resumed since; in the bake since when everybody sees the candidate. */
  readonly setAt: number;
  /** Who set the percentage last. */
  readonly stepBy: Actor;
  readonly hold: { readonly cause: Cause; readonly by: Actor; readonly at: number } | null;
  /** Whose holds a person has ended, each once, at its last percentage step. */
  readonly overruled: readonly Overruled[];
  readonly guardOff: GuardOff | null;
  readonly startedAt: number;
  readonly startedBy: Actor;
  /** Publishes of the two lines: what a person looked at. */
  readonly candidatePublish: number;
  readonly stablePublish: number;
  readonly ended: { readonly at: number; readonly by: Actor; readonly cause: Cause } | null;
}

/** What the fold of a log knows. Plain JSON. */
export interface NamespaceState {
  /** Of the last event folded; 0 before the first. */
  readonly sequence: number;
  /** Of the last event that was not a patch. */
  readonly controlSequence: number;
  readonly datasets: Readonly<Record<string, DatasetState>>;
  /** Active releases, and the last `endedReleasesMax` that ended. */
  readonly releases: Readonly<Record<string, ReleaseState>>;
}

/** How many ended releases the state keeps; all of them stay in the log. */
export const endedReleasesMax = 50;

/** The state before the first event. */
export const emptyState: NamespaceState = { sequence: 0, controlSequence: 0, datasets: {}, releases: {} };

/** Whether a release still moves or can be reverted. */
export function isActive(release: ReleaseState): boolean {
  return release.phase === "running" || release.phase === "baking";
}

/** The running or baking release of a dataset. */
export function activeRelease(state: NamespaceState, dataset: string): ReleaseState | undefined {
  const id = own(state.datasets, dataset)?.release;
  return id === null || id === undefined ? undefined : own(state.releases, id);
}
