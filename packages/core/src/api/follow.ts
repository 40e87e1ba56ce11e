import { z } from "zod";
import type { Actor, Cause, Content, LoggedEvent } from "../release/event.ts";
import type { NamespaceState } from "../release/state.ts";
import { guardEvidenceSchema } from "./evidence.ts";
import { type HereReverts, hereSchema } from "./here.ts";
import { actorSchema, contentSchema, loggedEventSchema, namespaceStateSchema } from "./log.ts";

/** A revert that runs ahead of the log: new views of this release use its stable line. Ignored once the release has ended. */
export interface Mark {
  readonly release: string;
  /** Milliseconds since the Unix epoch at which it was announced. */
  readonly at: number;
  /**
   * Who took it back and why, which a log that has not the revert cannot know: both or neither, and neither where the log has it. Evidence
   * is only in the marks of sidecars that were cut off; what an origin announces goes without it.
   */
  readonly by?: Actor;
  readonly cause?: Cause;
}

/** Contents of a dataset's two lines at one position of the log. */
export interface LineContents {
  readonly stable: Content | null;
  readonly candidate: Content | null;
}

/**
 * The frames of a follow stream. Over server-sent events the frame's `type` is the event's name and the rest is its data;
 * the id of an `events` or `state` frame is the sequence number from which the stream resumes.
 */
export type Frame =
  /** First on every stream. `log` names the log: another one means that nothing held from before is of use. */
  | { readonly type: "hello"; readonly protocol: number; readonly log: string; readonly instance: string }
  /** The whole state, to a follower that is new or too far behind. */
  | {
      readonly type: "state";
      readonly state: NamespaceState;
      readonly lines: Readonly<Record<string, LineContents>>;
      readonly marks: readonly Mark[];
    }
  /** What happened next, without a gap. */
  | { readonly type: "events"; readonly events: readonly LoggedEvent[] }
  | { readonly type: "mark"; readonly mark: Mark }
  /** What hosts have taken back for themselves, behind the marks of every stream and at every change: of each host the highest version counts. */
  | { readonly type: "here"; readonly hosts: readonly HereReverts[] }
  /** Sent every `heartbeatMs`; `ageMs` is the age of the sender's last contact with the log's owner, 0 at the owner. */
  | { readonly type: "heartbeat"; readonly sequence: number; readonly ageMs: number }
  /** The sender is going; connect again after `retryMs`. */
  | { readonly type: "bye"; readonly retryMs: number };

const causeSchema: z.ZodType<Cause> = z.object({
  reason: z.string().max(2_000),
  evidence: guardEvidenceSchema.nullable(),
});

export const markSchema: z.ZodType<Mark> = z.object({
  release: z.string(),
  at: z.number(),
  by: actorSchema.exactOptional(),
  cause: causeSchema.exactOptional(),
});

const lineContentsSchema: z.ZodType<LineContents> = z.object({
  stable: contentSchema.nullable(),
  candidate: contentSchema.nullable(),
});

export const frameSchema: z.ZodType<Frame> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), protocol: z.int(), log: z.string(), instance: z.string() }),
  z.object({
    type: z.literal("state"),
    state: namespaceStateSchema,
    lines: z.record(z.string(), lineContentsSchema),
    marks: z.array(markSchema),
  }),
  z.object({ type: z.literal("events"), events: z.array(loggedEventSchema) }),
  z.object({ type: z.literal("mark"), mark: markSchema }),
  z.object({ type: z.literal("here"), hosts: hereSchema }),
  z.object({ type: z.literal("heartbeat"), sequence: z.int().min(0), ageMs: z.number().min(0) }),
  z.object({ type: z.literal("bye"), retryMs: z.number().min(0) }),
]);

/** Who follows. */
export interface FollowerInfo {
  /** New with each start of a process. */
  readonly id: string;
  /** What people know it by: the application's name and host. */
  readonly name: string;
  readonly kind: "sdk" | "sidecar";
}

export const followerInfoSchema: z.ZodType<FollowerInfo> = z.object({
  id: z.string().min(1).max(100),
  name: z.string().min(1).max(200),
  kind: z.enum(["sdk", "sidecar"]),
});

/** The query of `GET /v1/follow`. */
export interface FollowQuery extends FollowerInfo {
  /** The log that the follower holds, or null. */
  readonly log: string | null;
  /** The last sequence number that it has folded; ignored where `log` is another one. */
  readonly from: number;
  /** Releases whose marks it holds and has not seen end in the log. */
  readonly marks: readonly string[];
}

export const followQuerySchema: z.ZodType<FollowQuery> = z
  .object({
    id: z.string().min(1).max(100),
    name: z.string().min(1).max(200),
    kind: z.enum(["sdk", "sidecar"]),
    log: z.string().max(100).optional(),
    from: z.coerce.number().int().min(0).default(0),
    marks: z.string().max(10_000).default(""),
  })
  .transform(({ log, marks, ...query }) => ({
    ...query,
    log: log ?? null,
    marks: marks.split(",").filter((mark) => mark !== ""),
  }));
