import type { GuardEvidence } from "../guard/verdict.ts";
import type { Check, CheckFinding } from "../version/checks.ts";
import type { Delta } from "../version/delta.ts";
import type { DifferenceSummary } from "../version/difference.ts";
import type {
  Actor,
  BaseRef,
  BytesOrigin,
  Cause,
  Content,
  Dropped,
  LinePosition,
  QuarantinedChanges,
  SourceDefinition,
  TakenBack,
} from "./event.ts";
import type { Plan } from "./plan.ts";

/** What a publish asks for beside the version itself. */
export interface ReleaseRequest {
  /** The first percentage in thousandths; null takes the plan's first step. */
  readonly thousandths: number | null;
  /** End a running release and start this version in its place. */
  readonly supersede: boolean;
  /** A person has seen that changes come back that were reverted. */
  readonly acceptQuarantined: boolean;
}

/** Chance, drawn by the shell, so that deciding is a function of values. */
export interface ReleaseDraw {
  /** The new release's id, unique in the namespace. */
  readonly release: string;
  /** The new release's salt for bucketing. */
  readonly salt: string;
}

/** Time at a step: which step, by its `stepSince`, and how long, in milliseconds. */
export interface Elapsed {
  readonly stepSince: number;
  readonly elapsedMs: number;
}

/** A promotion test that is open, by the percentage step at which it was looked at. */
export interface Proven {
  readonly epoch: number;
  readonly evidence: GuardEvidence;
}

/** What somebody asks of a namespace. The shell adds the facts that deciding needs and the state does not hold. */
export type Command =
  | {
      readonly type: "create-dataset";
      readonly dataset: string;
      readonly policy: "immediate" | "canary";
      readonly plan: Plan;
      readonly checks: readonly Check[];
    }
  | { readonly type: "add-source"; readonly dataset: string; readonly source: SourceDefinition }
  | { readonly type: "remove-source"; readonly dataset: string; readonly source: string }
  | {
      readonly type: "publish";
      readonly dataset: string;
      readonly content: Content;
      readonly origin: BytesOrigin;
      /** Publish of the stable line that the version was compared with; null where there was none. */
      readonly comparedWith: number | null;
      /** Number of the stable version that the version was compared with. */
      readonly parent: number | null;
      readonly difference: DifferenceSummary;
      readonly warnings: readonly CheckFinding[];
      readonly changes: string | null;
      /** Publishes of the lines that ever had this very content. */
      readonly linesWithContent: readonly number[];
      readonly quarantinedChanges: QuarantinedChanges | null;
      /** Null: the dataset's policy decides, a canary dataset holds the version. */
      readonly request: ReleaseRequest | null;
      readonly draw: ReleaseDraw;
    }
  | {
      readonly type: "refuse-publish";
      readonly dataset: string;
      readonly code: string;
      readonly message: string;
      readonly findings: readonly CheckFinding[];
      readonly origin: BytesOrigin | null;
    }
  | {
      readonly type: "patch";
      readonly dataset: string;
      /** What the patch makes of the stable line, and of the candidate line where there is one; numbers are given by the decision. */
      readonly stable: Omit<LinePosition, "number">;
      readonly candidate: Omit<LinePosition, "number"> | null;
      readonly delta: Delta;
      readonly candidateDelta: Delta | null;
      /** Keys that the patch replaces or removes whole and in which the two lines differ. */
      readonly differingKeys: readonly string[];
      /** The caller said that both lines take the patch although they differ. */
      readonly bothLines: boolean;
    }
  /** A version that was is held another way from now on; see the event of that name. */
  | {
      readonly type: "rebase";
      readonly dataset: string;
      readonly publish: number;
      readonly number: number;
      readonly base: BaseRef;
      readonly contentHash: string;
      readonly items: number;
    }
  | {
      readonly type: "start-release";
      readonly dataset: string;
      /** The publish that the person looked at; null takes the held one. */
      readonly publish: number | null;
      readonly plan: Plan | null;
      readonly thousandths: number | null;
      readonly acceptQuarantined: boolean;
      readonly draw: ReleaseDraw;
    }
  | {
      readonly type: "set-percentage";
      readonly release: string;
      readonly thousandths: number;
      /** The epoch that the person looked at; null sets it whatever happened since. */
      readonly epoch: number | null;
    }
  | { readonly type: "hold"; readonly release: string; readonly cause: Cause }
  | { readonly type: "resume"; readonly release: string; readonly reason: string }
  | { readonly type: "promote"; readonly release: string; readonly epoch: number | null }
  /** Ends what runs or bakes, by release or by dataset. */
  | {
      readonly type: "revert";
      readonly target: { readonly release: string } | { readonly dataset: string };
      readonly cause: Cause;
      /** Followers have heard of it: it is refused for nothing any more. */
      readonly announced?: boolean;
    }
  /** An older version's content becomes the stable version again; what runs or bakes is reverted. */
  | {
      readonly type: "restore";
      readonly dataset: string;
      /** The version whose content it is. */
      readonly restored: number;
      /** The publish that began its line. */
      readonly line: number;
      /** `reapply`: with the patches since applied to it again. */
      readonly mode: "exact" | "reapply";
      /** The stable version against which all of this was worked out. */
      readonly stable: number;
      readonly content: Content;
      /** Of the bytes that the restored line was published from. */
      readonly origin: BytesOrigin;
      readonly difference: DifferenceSummary;
      readonly changes: string | null;
      readonly dropped: Dropped;
      readonly takenBack: readonly TakenBack[];
      readonly cause: Cause;
    }
  /** The guard's own rules neither revert nor hold the release for this long; people and alerts do. */
  | { readonly type: "guard-off"; readonly release: string; readonly forMs: number; readonly reason: string }
  | { readonly type: "guard-on"; readonly release: string; readonly reason: string }
  | {
      readonly type: "lift-quarantine";
      readonly dataset: string;
      readonly publish: number;
      readonly keys: readonly string[] | null;
      readonly reason: string;
    }
  | {
      readonly type: "record-alert";
      readonly name: string;
      readonly status: "firing" | "resolved";
      readonly labels: Readonly<Record<string, string>>;
      readonly action: "none" | "revert" | "hold" | "resume";
      readonly release: string | null;
      /** Alerts that the sender left out of the same message; not there where it left out none. */
      readonly truncated?: number;
    }
  /** Time has passed: plans take their next step, bakes end. At most one step of each release. */
  | {
      readonly type: "tick";
      /**
       * For how long each release has stood at its step, by a clock that does not jump. One that is left out, or has moved
       * since, is judged by the wall clock.
       */
      readonly elapsed?: Readonly<Record<string, Elapsed>>;
      /** Releases whose promotion test is open. */
      readonly proven?: Readonly<Record<string, Proven>>;
      /** For how long guards have been off by a clock that does not jump; `stepSince` is when it was turned off. */
      readonly guardOff?: Readonly<Record<string, Elapsed>>;
    };

/** A command and who gave it. */
export interface GivenCommand {
  readonly by: Actor;
  readonly command: Command;
}
