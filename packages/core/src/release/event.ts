import type { GuardEvidence } from "../guard/verdict.ts";
import type { Check, CheckFinding } from "../version/checks.ts";
import type { Delta } from "../version/delta.ts";
import type { DifferenceSummary } from "../version/difference.ts";
import type { Plan } from "./plan.ts";

/** Who did something. */
export interface Actor {
  readonly kind: "person" | "guard" | "alert" | "source" | "plan" | "origin";
  /** The person's name, the alert's, the source's id, the rule that tripped, or what the origin does by itself. */
  readonly name: string;
}

/** One part file of a base. */
export interface PartRef {
  /** SHA-256 of the file, 64 hex digits: its name among the blobs. */
  readonly name: string;
  readonly bytes: number;
  readonly items: number;
  /** Content hash of the part's items, 64 hex digits. */
  readonly contentHash: string;
}

/** One layer of a base: a file of items set or removed over what lies beneath it. */
export interface LayerRef {
  /** SHA-256 of the file, 64 hex digits: its name among the blobs. */
  readonly name: string;
  readonly bytes: number;
  /** Items set and removed together. */
  readonly records: number;
  /** Items set. */
  readonly items: number;
  /** Content hash of the items set, 64 hex digits. */
  readonly contentHash: string;
  /** The items beneath that it takes the place of. */
  readonly hidden: { readonly items: number; readonly contentHash: string };
}

/**
 * The immutable files that a version stands on: `parts[i]` holds the keys whose hash falls in the i-th of `parts.length` equal
 * ranges, and over the parts lie layers, the oldest first.
 */
export interface BaseRef {
  readonly parts: readonly PartRef[];
  readonly layers: readonly LayerRef[];
}

/** All that is needed to hold one version: its base and everything that lies over it. */
export interface Content {
  readonly base: BaseRef;
  readonly overlay: Delta | null;
  /** Of the whole version, 64 hex digits. */
  readonly contentHash: string;
  readonly items: number;
}

/** Where the bytes of a version came from, when a source pulled it or a file was published. */
export interface BytesOrigin {
  /** The source's id, or null for a push. */
  readonly source: string | null;
  /** SHA-256 of the bytes as they came, 64 hex digits. */
  readonly bytesHash: string;
}

/** How many changes of a version were in one that was reverted. */
export interface QuarantinedChanges {
  /** Changed items whose key and value both stood in the reverted line. */
  readonly count: number;
  /** Changed items in all. */
  readonly of: number;
  /** The publish of the reverted line. */
  readonly publish: number;
}

/** A version's number and proof on one line, after a patch. */
export interface LinePosition {
  readonly number: number;
  readonly contentHash: string;
  readonly items: number;
}

/** Where a dataset's versions come from. `http:` and `https:` URLs are polled, `file:` is watched. */
export interface SourceDefinition {
  readonly id: string;
  readonly url: string;
  /** Pause between two conditional requests, in milliseconds. */
  readonly intervalMs: number;
  /** Whether a new version waits for a person or starts the dataset's plan. */
  readonly onNew: "hold" | "release";
}

/** A line that a restored version takes back. */
export interface TakenBack {
  readonly publish: number;
  readonly bytesHash: string;
  readonly changes: string | null;
}

/** What a restored version leaves out of what came after it. */
export interface Dropped {
  /** Publishes and patches. */
  readonly changes: number;
  /** Keys whose value becomes another one. */
  readonly keys: number;
}

/** Why something ended or stopped, with what was seen. */
export interface Cause {
  readonly reason: string;
  readonly evidence: GuardEvidence | null;
}

/** What can happen in a namespace. */
export type Event =
  | {
      readonly type: "dataset-created";
      readonly dataset: string;
      readonly policy: "immediate" | "canary";
      readonly plan: Plan;
      readonly checks: readonly Check[];
    }
  | { readonly type: "source-added"; readonly dataset: string; readonly source: SourceDefinition }
  | { readonly type: "source-removed"; readonly dataset: string; readonly source: string }
  | {
      readonly type: "version-published";
      readonly dataset: string;
      readonly number: number;
      /** The stable version that it was compared with; null for the first. */
      readonly parent: number | null;
      readonly content: Content;
      readonly origin: BytesOrigin;
      readonly difference: DifferenceSummary;
      readonly warnings: readonly CheckFinding[];
      /** Blob of the (key, item hash) pairs that differ from the parent, kept at the origin for the quarantine; null for the first version. */
      readonly changes: string | null;
      readonly quarantinedChanges: QuarantinedChanges | null;
      /** True: the stable line from now on. False: held as the candidate until a release starts. */
      readonly live: boolean;
    }
  | {
      readonly type: "publish-refused";
      readonly dataset: string;
      /** A version refused by a check has a number, which is never given again; what never became a version has none. */
      readonly number: number | null;
      readonly code: string;
      readonly message: string;
      readonly findings: readonly CheckFinding[];
      readonly origin: BytesOrigin | null;
    }
  | {
      readonly type: "patched";
      readonly dataset: string;
      readonly stable: LinePosition;
      readonly candidate: LinePosition | null;
      /** The change to the stable line; to the candidate line too where `candidateDelta` is null. */
      readonly delta: Delta;
      /** The change to the candidate line where the same patch makes another difference there. */
      readonly candidateDelta: Delta | null;
    }
  /** The same content, held another way: the version `number` of the line that `publish` began also stands on this base alone. */
  | {
      readonly type: "rebased";
      readonly dataset: string;
      readonly publish: number;
      readonly number: number;
      readonly base: BaseRef;
      readonly contentHash: string;
      readonly items: number;
    }
  | {
      readonly type: "release-started";
      readonly release: string;
      readonly dataset: string;
      readonly salt: string;
      readonly plan: Plan;
      readonly thousandths: number;
      readonly acceptQuarantined: boolean;
    }
  | {
      readonly type: "percentage-set";
      readonly release: string;
      readonly thousandths: number;
      readonly reason: string;
      /** What allowed a plan's step; null where a person or time alone did. */
      readonly evidence: GuardEvidence | null;
    }
  | { readonly type: "release-held"; readonly release: string; readonly cause: Cause }
  | { readonly type: "release-resumed"; readonly release: string; readonly reason: string }
  /** Everybody sees the candidate; the bake begins. */
  | {
      readonly type: "release-promoted";
      readonly release: string;
      readonly reason: string;
      /** What allowed a plan's step; null where a person or time alone did. */
      readonly evidence: GuardEvidence | null;
    }
  /** The bake is over; the candidate line is the stable line. */
  | { readonly type: "release-completed"; readonly release: string }
  | { readonly type: "release-reverted"; readonly release: string; readonly cause: Cause }
  /** The stable line is a new one from here on, with the content of an older version. */
  | {
      readonly type: "version-restored";
      readonly dataset: string;
      readonly number: number;
      /** The version whose content it is. */
      readonly restored: number;
      /** `reapply`: with the patches since applied to it again. */
      readonly mode: "exact" | "reapply";
      readonly content: Content;
      readonly origin: BytesOrigin;
      /** Against the stable version before it. */
      readonly difference: DifferenceSummary;
      readonly changes: string | null;
      readonly dropped: Dropped;
      /** Lines that it takes back, which go into quarantine. */
      readonly takenBack: readonly TakenBack[];
      readonly cause: Cause;
    }
  /** The guard's own rules neither revert nor hold until then; it is on again when the log says so. */
  | { readonly type: "guard-off"; readonly release: string; readonly forMs: number; readonly reason: string }
  | { readonly type: "guard-on"; readonly release: string; readonly reason: string }
  /** A new publish took the place of a running release. */
  | { readonly type: "release-superseded"; readonly release: string; readonly reason: string }
  | {
      readonly type: "quarantine-lifted";
      readonly dataset: string;
      readonly publish: number;
      /** Only these keys; null lifts the mark whole. */
      readonly keys: readonly string[] | null;
      readonly reason: string;
    }
  | {
      readonly type: "alert-received";
      readonly name: string;
      readonly status: "firing" | "resolved";
      readonly labels: Readonly<Record<string, string>>;
      readonly action: "none" | "revert" | "hold" | "resume";
      readonly release: string | null;
      /** Alerts that the sender left out of the same message; not there where it left out none. */
      readonly truncated?: number;
    };

/** What has happened to items or to how they are held, and not to who sees them: the shelf of the log that is not kept for ever. */
export function isOnPatchShelf(event: Event): boolean {
  return event.type === "patched" || event.type === "rebased";
}

/** The kinds of event. */
export type EventType = Event["type"];

/** An event in its place in the log. */
export interface LoggedEvent {
  /** 1, 2, 3… over both shelves. */
  readonly sequence: number;
  /** Milliseconds since the Unix epoch at the origin. */
  readonly at: number;
  readonly by: Actor;
  readonly event: Event;
}
