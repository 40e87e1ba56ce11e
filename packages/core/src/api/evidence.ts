import { z } from "zod";
import type { EvidenceCrossing, EvidencePoint, GuardEvidence, PromotionEvidence } from "../guard/verdict.ts";
import { promotionBoundSchema } from "./guard.ts";

const countSchema: z.ZodType<number> = z.int().min(0);

const tallyFields = {
  candidateRequests: countSchema,
  candidateFailures: countSchema,
  controlRequests: countSchema,
  controlFailures: countSchema,
} as const;

const promotionSchema: z.ZodType<PromotionEvidence> = z.object({
  bound: promotionBoundSchema,
  evidence: z.number(),
  threshold: z.number(),
  open: z.boolean(),
  requestsNeeded: countSchema.nullable(),
  streams: z.array(z.object({ kind: z.string().nullable(), evidence: z.number() })),
});

const crossingSchema: z.ZodType<EvidenceCrossing> = z.object({
  at: z.number(),
  stream: z.enum(["units", "requests", "comparative", "promotion", "absolute"]),
  line: z.enum(["hold", "revert", "promotion"]),
  direction: z.enum(["up", "down"]),
});

const pointSchema: z.ZodType<EvidencePoint> = z.object({
  at: z.number(),
  thousandths: countSchema,
  ...tallyFields,
  logComparative: z.number(),
  logUnits: z.number().nullable(),
  logRequests: z.number(),
  logPromotion: z.number(),
});

/** Why a guard decided as it did. */
export const guardEvidenceSchema: z.ZodType<GuardEvidence> = z.object({
  epoch: z.int().min(1),
  thousandths: countSchema,
  ...tallyFields,
  comparison: z.enum(["on", "off, no control"]),
  comparativeEvidence: z.number(),
  threshold: z.number(),
  unitEvidence: z.number().nullable(),
  requestEvidence: z.number(),
  kinds: z.array(
    z.object({
      kind: z.string(),
      evidence: z.number(),
      candidateFailures: countSchema,
      controlFailures: countSchema,
      candidateDistinct: countSchema,
      controlDistinct: countSchema,
    }),
  ),
  absoluteEvidence: z.array(
    z.object({
      mode: z.enum(["literal", "confirmed", "evidence"]),
      errorRateLimit: z.number(),
      windowMs: countSchema,
      requestsMin: countSchema,
      absoluteEvidence: z.number(),
      threshold: z.number(),
      window: z.object(tallyFields),
      suspended: z.boolean(),
    }),
  ),
  promotion: promotionSchema,
  failuresMinReached: z.boolean(),
  lateReports: countSchema,
  crossings: z.array(crossingSchema),
});

/** What a release's guard saw: of an active release up to now, of one that ended up to its end. */
export interface EvidenceAnswer {
  readonly release: string;
  readonly evidence: GuardEvidence;
  /** Oldest first, at most 241 points. */
  readonly history: readonly EvidencePoint[];
}

export const evidenceAnswerSchema: z.ZodType<EvidenceAnswer> = z.object({
  release: z.string(),
  evidence: guardEvidenceSchema,
  history: z.array(pointSchema),
});
