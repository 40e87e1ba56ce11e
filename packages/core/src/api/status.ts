import { z } from "zod";
import type { GuardEvidence } from "../guard/verdict.ts";
import type { Actor, Cause, QuarantinedChanges } from "../release/event.ts";
import type { GuardOff, ReleasePhase, RestoredFrom } from "../release/state.ts";
import type { DifferenceSummary } from "../version/difference.ts";
import { differenceSchema } from "./check.ts";
import type { Receipt } from "./command.ts";
import { receiptSchema } from "./command.ts";
import { guardEvidenceSchema } from "./evidence.ts";
import type { FollowerInfo } from "./follow.ts";
import { followerInfoSchema } from "./follow.ts";
import type { HereRevert } from "./here.ts";
import { actorSchema, guardOffSchema, nameSchema, restoredFromSchema } from "./log.ts";
import { thousandthsSchema } from "./plan.ts";

/** A follower as the instance sees it. */
export interface FollowerStatus extends FollowerInfo {
  /** The sidecar that it follows through; null where it is connected here. */
  readonly via: string | null;
  /** Last control sequence number that it confirmed. */
  readonly applied: number;
}

/** What a dataset's line is. */
export interface LineStatus {
  readonly number: number;
  readonly publish: number;
  readonly items: number;
  readonly contentHash: string;
  readonly since: number;
  readonly by: Actor;
}

/** A line that waits or is being released. */
export interface CandidateStatus extends LineStatus {
  readonly difference: DifferenceSummary;
  readonly quarantinedChanges: QuarantinedChanges | null;
}

/** Requests and failures of one arm since the release began. */
export interface ArmStatus {
  readonly requests: number;
  readonly failures: number;
}

/** What a plan does next. */
export interface NextStep {
  readonly thousandths: number;
  readonly at: number;
  /** What it waits for besides: until when at the longest, and what happens then; null where time alone decides. */
  readonly promotion: { readonly until: number; readonly otherwise: "hold" | "proceed" } | null;
}

/** A running or baking release. */
export interface ReleaseStatus {
  readonly id: string;
  readonly phase: ReleasePhase;
  readonly thousandths: number;
  readonly epoch: number;
  /** Since when it stands at this percentage, milliseconds since the Unix epoch, and who set it. */
  readonly since: number;
  readonly by: Actor;
  readonly startedAt: number;
  readonly startedBy: Actor;
  readonly hold: { readonly cause: Cause; readonly by: Actor; readonly at: number } | null;
  /** The guard's own rules do nothing until then. */
  readonly guardOff: GuardOff | null;
  /** What the plan does next by itself, and when at the earliest; null where it waits for a person. */
  readonly next: NextStep | null;
  readonly candidateArm: ArmStatus;
  readonly controlArm: ArmStatus;
  /** Share of views with a targeting key that were really served the candidate in this step, 0 to 1; null before the first. */
  readonly servedShare: number | null;
  /** Whether the arms are compared, and if not, why: `on`, `off, no control`. */
  readonly comparison: string;
  readonly evidence: GuardEvidence | null;
  readonly prepared: { readonly count: number; readonly of: number };
  /** Of the plan, where it has any; known to the origin alone. */
  readonly queries?: readonly QueryStatus[];
}

/** A query of a release's plan, as the origin's Prometheus answers it. */
export interface QueryStatus {
  readonly name: string;
  readonly action: "revert" | "hold";
  /** `pending`: it fires, not yet for as long as its rule says. */
  readonly state: "quiet" | "pending" | "firing" | "unanswered";
  /** For how long it has been in that state, in milliseconds. */
  readonly forMs: number;
  /** Why it is not answered, or what was answered where it fires. */
  readonly message: string | null;
}

/** A release that was reverted. */
export interface RevertStatus {
  readonly release: string;
  /** The version that was taken back, by its publish. */
  readonly publish: number;
  readonly at: number;
  readonly by: Actor;
  readonly cause: Cause;
  readonly receipt: Receipt | null;
}

/** An older version that was brought back. */
export interface RestoredStatus extends RestoredFrom {
  /** The version that it came back as. */
  readonly number: number;
  readonly at: number;
  readonly by: Actor;
  readonly receipt: Receipt | null;
}

/** A source and how it fares. */
export interface SourceStatus {
  readonly id: string;
  readonly url: string;
  readonly onNew: "hold" | "release";
  readonly intervalMs: number;
  readonly state: "starting" | "ok" | "failing" | "refused" | "parked";
  readonly lastSuccessAt: number | null;
  readonly message: string | null;
}

/** A host that does not show an active release, which goes on everywhere else. */
export interface HereStatus extends HereRevert {
  readonly host: string;
  /** The version that it does not show, by its publish. */
  readonly publish: number;
  /** How many of those with a live lease heed it, the host's own sidecar among them. */
  readonly followers: number;
}

/** The five answers about one dataset, and what belongs to them. */
export interface DatasetStatus {
  readonly name: string;
  readonly policy: "immediate" | "canary";
  /** What is out. */
  readonly stable: LineStatus | null;
  readonly candidate: CandidateStatus | null;
  /** To whom. */
  readonly release: ReleaseStatus | null;
  /** Healthy or not, and why not. */
  readonly health: { readonly ok: boolean; readonly reasons: readonly string[] };
  /** The exact command that takes back what is out; null where nothing runs or bakes. */
  readonly revertCommand: string | null;
  readonly lastRevert: RevertStatus | null;
  /** Where the stable line is one that brought an older version back: which, when, by whom and who has it. */
  readonly restored: RestoredStatus | null;
  /** Hosts on which the release is taken back for themselves, at most 100. */
  readonly here: readonly HereStatus[];
  readonly lastRefusal: {
    readonly at: number;
    readonly number: number | null;
    readonly code: string;
    readonly message: string;
  } | null;
  readonly quarantine: readonly {
    readonly publish: number;
    readonly release: string | null;
    readonly at: number;
    readonly by: Actor;
    readonly reason: string;
    readonly liftedKeys: number;
  }[];
  readonly sources: readonly SourceStatus[];
}

/** What an origin's store takes up, as it was measured last: the log every 10 s, blobs every 10 min; null before the first time. */
export interface StoreStatus {
  /** The newest checkpoint, from which a restart goes on. */
  readonly checkpoint: { readonly sequence: number; readonly at: number; readonly bytes: number } | null;
  /** Bytes on the disk, and bytes of patches in them. */
  readonly log: { readonly bytes: number; readonly patchesBytes: number } | null;
  readonly blobs: { readonly blobs: number; readonly bytes: number } | null;
}

/** Answer to `GET /v1/status`. */
export interface StatusAnswer {
  readonly instance: string;
  readonly role: "origin" | "follower";
  readonly log: string | null;
  readonly sequence: number;
  /** Milliseconds since the Unix epoch at the instance. */
  readonly at: number;
  /** Of a follower: whom it follows, and how old the last contact with the log's owner is. */
  readonly following: {
    readonly url: string;
    readonly contactAgeMs: number | null;
    readonly connected: boolean;
  } | null;
  readonly datasets: readonly DatasetStatus[];
  /** Everybody who follows, and at most 100 of them by name. */
  readonly followers: { readonly total: number; readonly list: readonly FollowerStatus[] };
  /** Of an origin. */
  readonly store?: StoreStatus;
}

const atSchema: z.ZodType<number> = z.number().min(0);

const lineFields = {
  number: z.int().min(1),
  publish: z.int().min(1),
  items: z.int().min(0),
  contentHash: z.string(),
  since: atSchema,
  by: actorSchema,
} as const;

const armStatusSchema: z.ZodType<ArmStatus> = z.object({ requests: z.int().min(0), failures: z.int().min(0) });
const causeSchema: z.ZodType<Cause> = z.object({ reason: z.string(), evidence: guardEvidenceSchema.nullable() });

const releaseStatusSchema: z.ZodType<ReleaseStatus> = z.object({
  id: z.string(),
  phase: z.enum(["running", "baking", "completed", "reverted", "superseded"]),
  thousandths: thousandthsSchema,
  epoch: z.int().min(1),
  since: atSchema,
  by: actorSchema,
  startedAt: atSchema,
  startedBy: actorSchema,
  hold: z.object({ cause: causeSchema, by: actorSchema, at: atSchema }).nullable(),
  guardOff: guardOffSchema.nullable(),
  next: z
    .object({
      thousandths: thousandthsSchema,
      at: atSchema,
      promotion: z.object({ until: atSchema, otherwise: z.enum(["hold", "proceed"]) }).nullable(),
    })
    .nullable(),
  candidateArm: armStatusSchema,
  controlArm: armStatusSchema,
  servedShare: z.number().min(0).max(1).nullable(),
  comparison: z.string(),
  evidence: guardEvidenceSchema.nullable(),
  prepared: z.object({ count: z.int().min(0), of: z.int().min(0) }),
  queries: z
    .array(
      z.object({
        name: z.string(),
        action: z.enum(["revert", "hold"]),
        state: z.enum(["quiet", "pending", "firing", "unanswered"]),
        forMs: z.number().min(0),
        message: z.string().nullable(),
      }),
    )
    .exactOptional(),
});

const datasetStatusSchema: z.ZodType<DatasetStatus> = z.object({
  name: nameSchema,
  policy: z.enum(["immediate", "canary"]),
  stable: z.object(lineFields).nullable(),
  candidate: z
    .object({
      ...lineFields,
      difference: differenceSchema,
      quarantinedChanges: z.object({ count: z.int(), of: z.int(), publish: z.int() }).nullable(),
    })
    .nullable(),
  release: releaseStatusSchema.nullable(),
  health: z.object({ ok: z.boolean(), reasons: z.array(z.string()) }),
  revertCommand: z.string().nullable(),
  lastRevert: z
    .object({
      release: z.string(),
      publish: z.int().min(1),
      at: atSchema,
      by: actorSchema,
      cause: causeSchema,
      receipt: receiptSchema.nullable(),
    })
    .nullable(),
  here: z
    .array(
      z.object({
        host: z.string(),
        release: z.string(),
        publish: z.int().min(1),
        at: atSchema,
        by: actorSchema,
        reason: z.string(),
        followers: z.int().min(0),
      }),
    )
    .max(100),
  restored: z
    .object({ number: z.int().min(1), at: atSchema, by: actorSchema, receipt: receiptSchema.nullable() })
    .and(restoredFromSchema)
    .nullable(),
  lastRefusal: z.object({ at: atSchema, number: z.int().nullable(), code: z.string(), message: z.string() }).nullable(),
  quarantine: z.array(
    z.object({
      publish: z.int().min(1),
      release: z.string().nullable(),
      at: atSchema,
      by: actorSchema,
      reason: z.string(),
      liftedKeys: z.int().min(0),
    }),
  ),
  sources: z.array(
    z.object({
      id: z.string(),
      url: z.string(),
      onNew: z.enum(["hold", "release"]),
      intervalMs: z.int(),
      state: z.enum(["starting", "ok", "failing", "refused", "parked"]),
      lastSuccessAt: atSchema.nullable(),
      message: z.string().nullable(),
    }),
  ),
});

const bytesSchema = z.number().min(0);

const storeStatusSchema: z.ZodType<StoreStatus> = z.object({
  checkpoint: z.object({ sequence: z.int().min(0), at: atSchema, bytes: bytesSchema }).nullable(),
  log: z.object({ bytes: bytesSchema, patchesBytes: bytesSchema }).nullable(),
  blobs: z.object({ blobs: z.int().min(0), bytes: bytesSchema }).nullable(),
});

export const statusAnswerSchema: z.ZodType<StatusAnswer> = z.object({
  instance: z.string(),
  role: z.enum(["origin", "follower"]),
  log: z.string().nullable(),
  sequence: z.int().min(0),
  at: atSchema,
  following: z.object({ url: z.string(), contactAgeMs: z.number().nullable(), connected: z.boolean() }).nullable(),
  datasets: z.array(datasetStatusSchema),
  followers: z.object({
    total: z.int().min(0),
    list: z.array(z.object({ via: z.string().nullable(), applied: z.int().min(0) }).and(followerInfoSchema)),
  }),
  store: storeStatusSchema.exactOptional(),
});
