import { z } from "zod";
import type { GuardEvidence } from "../guard/verdict.ts";

const countSchema: z.ZodType<number> = z.int().min(0);

const tallyFields = {
  candidateRequests: countSchema,
  candidateFailures: countSchema,
  controlRequests: countSchema,
  controlFailures: countSchema,
} as const;

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
      errorRateLimit: z.number(),
      windowMs: countSchema,
      requestsMin: countSchema,
      absoluteEvidence: z.number(),
      threshold: z.number(),
      window: z.object(tallyFields),
      suspended: z.boolean(),
    }),
  ),
  failuresMinReached: z.boolean(),
  lateReports: countSchema,
});
