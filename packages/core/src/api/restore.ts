import { z } from "zod";
import type { RestoredFrom } from "../release/state.ts";
import type { CommandAnswer } from "./command.ts";
import { reasonSchema, receiptSchema } from "./command.ts";
import { restoredFromSchema } from "./log.ts";

/** Which version is to come back: by its number, or what was stable at a moment or so long ago. Milliseconds. */
export type RestoreTarget =
  | { readonly version: number }
  | { readonly at: number }
  /** By the instance's own clock. */
  | { readonly agoMs: number };

/** Body of `POST /v1/datasets/:dataset/restore`. */
export interface RestoreBody {
  readonly to: RestoreTarget;
  /** Whether the patches since are kept; null asks what would be dropped, unless a release is taken back and nothing else. */
  readonly mode: "exact" | "reapply" | null;
  readonly reason: string;
}

export const restoreBodySchema: z.ZodType<RestoreBody> = z.strictObject({
  to: z.union(
    [
      z.strictObject({ version: z.int().min(1) }),
      z.strictObject({ at: z.number().min(0) }),
      z.strictObject({ agoMs: z.number().min(0) }),
    ],
    { error: 'expected {"version": …}, {"at": …} or {"agoMs": …}' },
  ),
  mode: z.enum(["exact", "reapply"]).nullable().default(null),
  reason: reasonSchema.default("no reason given"),
});

/** Answer to a restore. `release` is the one that was taken back with it. */
export interface RestoreAnswer extends CommandAnswer {
  /** Null where no older version had to come back: a release was taken back and nothing else, or what was asked for is stable. */
  readonly restored: (RestoredFrom & { readonly number: number }) | null;
}

export const restoreAnswerSchema: z.ZodType<RestoreAnswer> = z.object({
  outcome: z.enum(["done", "unchanged"]),
  message: z.string(),
  sequence: z.int().nullable(),
  release: z.string().nullable(),
  receipt: receiptSchema.nullable(),
  restored: z
    .object({ number: z.int().min(1) })
    .and(restoredFromSchema)
    .nullable(),
});
