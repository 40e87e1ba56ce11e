import { z } from "zod";
import type { CheckFinding } from "../version/checks.ts";
import { checkSchema } from "../version/check-schema.ts";
import type { DifferenceSummary } from "../version/difference.ts";
import { jsonSchema } from "./json.ts";

const countSchema: z.ZodType<number> = z.int().min(0);

/** What a check found. */
export const checkFindingSchema: z.ZodType<CheckFinding> = z.object({
  check: checkSchema,
  action: z.enum(["warn", "refuse"]),
  count: countSchema,
  message: z.string(),
  examples: z.array(z.object({ key: z.string(), path: z.string(), reason: z.string() })),
});

/** What differs between a version and its parent. */
export const differenceSchema: z.ZodType<DifferenceSummary> = z.object({
  added: countSchema,
  removed: countSchema,
  changed: countSchema,
  unchanged: countSchema,
  examples: z.array(
    z.object({
      key: z.string(),
      before: jsonSchema.exactOptional(),
      after: jsonSchema.exactOptional(),
      omitted: z.literal(true).exactOptional(),
    }),
  ),
});
