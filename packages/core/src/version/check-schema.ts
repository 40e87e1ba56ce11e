import { z } from "zod";
import type { Check } from "./checks.ts";
import { parsePointer } from "./pointer.ts";

// Apart from checks.ts, so that a reader that never takes a check from outside does not load zod.

const share = z.number().min(0).max(1);
const action = z.enum(["warn", "refuse"]);
const field = z
  .string()
  .max(1024)
  .refine((text) => parsePointer(text) !== undefined, "expected an RFC 6901 pointer such as /price");

const keysRemoved = z.strictObject({ kind: z.literal("keysRemoved"), shareMax: share, action });

const keysChanged = z.strictObject({ kind: z.literal("keysChanged"), shareMax: share, action });

const numericChange = z
  .strictObject({
    kind: z.literal("numericChange"),
    field,
    decreaseMax: z.number().min(0).exactOptional(),
    increaseMax: z.number().min(0).exactOptional(),
    shareMax: share.exactOptional(),
    action,
  })
  .refine(
    ({ decreaseMax, increaseMax }) => decreaseMax !== undefined || increaseMax !== undefined,
    "expected decreaseMax, increaseMax or both",
  );

const forbiddenValue = z
  .strictObject({
    kind: z.literal("forbiddenValue"),
    field,
    required: z.boolean().exactOptional(),
    type: z.enum(["number", "integer", "string", "boolean", "object", "array", "null"]).exactOptional(),
    minimum: z.number().exactOptional(),
    maximum: z.number().exactOptional(),
    oneOf: z
      .array(z.union([z.string().max(1024), z.number(), z.boolean(), z.null()]))
      .min(1)
      .max(1000)
      .exactOptional(),
    shareMax: share.exactOptional(),
    action,
  })
  .refine(
    ({ required, type, minimum, maximum, oneOf }) =>
      required === true || [type, minimum, maximum, oneOf].some((rule) => rule !== undefined),
    "expected at least one of required, type, minimum, maximum, oneOf",
  );

/** A check as it is configured: shares are fractions from 0 to 1, fields RFC 6901 pointers, nothing unknown. */
export const checkSchema: z.ZodType<Check> = z.discriminatedUnion("kind", [
  keysRemoved,
  keysChanged,
  numericChange,
  forbiddenValue,
]);

/** The checks of a dataset: at most 50. */
export const checksSchema: z.ZodType<Check[]> = z.array(checkSchema).max(50);
