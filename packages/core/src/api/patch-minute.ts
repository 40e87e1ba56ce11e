import { z } from "zod";
import { nameSchema } from "./log.ts";

/** What patches did to one dataset within one minute: the line that stays in the log when the patches have gone. */
export interface PatchMinute {
  readonly dataset: string;
  readonly patches: number;
  readonly keysSet: number;
  readonly keysRemoved: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Number of the first version and of the last. */
  readonly firstNumber: number;
  readonly lastNumber: number;
  /** Milliseconds since the Unix epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
}

const count = z.int().min(0);
const place = z.int().min(1);

export const patchMinuteSchema: z.ZodType<PatchMinute> = z.object({
  dataset: nameSchema,
  patches: place,
  keysSet: count,
  keysRemoved: count,
  firstSequence: place,
  lastSequence: place,
  firstNumber: place,
  lastNumber: place,
  firstAt: z.number().min(0),
  lastAt: z.number().min(0),
});
