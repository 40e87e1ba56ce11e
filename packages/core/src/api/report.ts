import { z } from "zod";
import type { ArmReport } from "../guard/report.ts";
import type { FollowerInfo, Mark } from "./follow.ts";
import { followerInfoSchema, markSchema } from "./follow.ts";
import { type HereReverts, hereSchema } from "./here.ts";
import { limits } from "./protocol.ts";

/** What one reporter counted of one percentage step of one release since its last batch. */
export interface ReleaseReport {
  readonly release: string;
  /** The percentage step under which the views were assigned. */
  readonly epoch: number;
  /** A label of the reporter (region, tenant), where the candidate's share differs by it; left out where there is none. */
  readonly stratum?: string;
  readonly candidate: ArmReport;
  readonly control: ArmReport;
  /** Views made with a targeting key by the arm that they were really served, whatever their bucket said; for `status`. */
  readonly served: { readonly candidate: number; readonly stable: number };
}

/** Outcomes on their way up. A batch with a sequence that was seen already counts nothing. */
export interface OutcomeBatch {
  /** New with each start of a process. */
  readonly reporter: string;
  /** 1, 2, 3… per reporter. */
  readonly sequence: number;
  readonly reports: readonly ReleaseReport[];
}

const countSchema: z.ZodType<number> = z.int().min(0).max(limits.countMax);

const unitsSchema: z.ZodType<readonly number[]> = z.array(z.int().min(0).max(99_999)).max(256);

const armReportSchema: z.ZodType<ArmReport> = z.object({
  ok: countSchema,
  failures: z.record(z.string().min(1).max(64), z.object({ count: countSchema, distinct: countSchema })),
  units: unitsSchema,
  slowUnits: unitsSchema.exactOptional(),
});

const releaseReportSchema: z.ZodType<ReleaseReport> = z.object({
  release: z.string().min(1).max(200),
  epoch: z.int().min(1),
  stratum: z.string().min(1).max(64).exactOptional(),
  candidate: armReportSchema,
  control: armReportSchema,
  served: z.object({ candidate: countSchema, stable: countSchema }),
});

export const outcomeBatchSchema: z.ZodType<OutcomeBatch> = z.object({
  reporter: z.string().min(1).max(100),
  sequence: z.int().min(1),
  reports: z.array(releaseReportSchema).max(limits.reportsPerBatchMax),
});

/**
 * A candidate that a process does not take: an item of it breaks the application's schema, or it cannot be prepared there although
 * it was fetched again.
 */
export interface RefusedRelease {
  readonly release: string;
  /** Who refuses it, which item or file, and what is wrong with it. */
  readonly reason: string;
  /** The application that refuses it, as its process was told to call itself; left out by a sidecar. */
  readonly app?: string;
}

/** What one follower has done. */
export interface Confirmation {
  readonly follower: string;
  /** Every event up to this control sequence number has taken effect for new views. */
  readonly applied: number;
  /** Releases that new views on it no longer see, by mark or by log. */
  readonly reverted: readonly string[];
  /** Releases whose candidate it holds whole. */
  readonly prepared: readonly string[];
  /** Releases whose candidate it keeps from new views; left out where there are none. */
  readonly refused?: readonly RefusedRelease[];
  /** All that it does not show because a host has taken it back for itself; left out where that has not changed. */
  readonly here?: readonly HereReverts[];
}

/** Confirmations on their way up; a sidecar sends its own and those of its followers. */
export interface ConfirmationBatch {
  readonly confirmations: readonly Confirmation[];
  /** Everybody who follows through the sender with a live lease; null where that has not changed, always null from an SDK. */
  readonly children: { readonly of: string; readonly followers: readonly FollowerInfo[] } | null;
  /** Followers that say goodbye, by id: nobody expects them any more. Left out where there are none. */
  readonly left?: readonly string[];
  /** Marks that say who took a release back and why, which a URL would not hold. Left out where there are none. */
  readonly marks?: readonly Mark[];
}

const releasesSchema: z.ZodType<readonly string[]> = z.array(z.string().max(200)).max(1_000);

const confirmationSchema: z.ZodType<Confirmation> = z.object({
  follower: z.string().min(1).max(100),
  applied: z.int().min(0),
  reverted: releasesSchema,
  prepared: releasesSchema,
  refused: z
    .array(
      z.object({
        release: z.string().max(200),
        reason: z.string().max(2_000),
        app: z.string().max(200).exactOptional(),
      }),
    )
    .max(1_000)
    .exactOptional(),
  here: hereSchema.exactOptional(),
});

export const confirmationBatchSchema: z.ZodType<ConfirmationBatch> = z.object({
  confirmations: z.array(confirmationSchema).max(limits.confirmationsPerBatchMax),
  children: z
    .object({ of: z.string().min(1).max(100), followers: z.array(followerInfoSchema).max(limits.childrenMax) })
    .nullable(),
  left: z.array(z.string().min(1).max(100)).max(limits.childrenMax).exactOptional(),
  marks: z.array(markSchema).max(100).exactOptional(),
});
