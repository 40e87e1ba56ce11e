import { z } from "zod";
import type { JsonValue } from "../version/json-value.ts";

/**
 * Any JSON value, kept as it is. It comes out of a JSON parser, so that there is nothing left to look at; `z.json()` would
 * copy it, and drop a member called `__proto__`.
 */
export const jsonSchema: z.ZodType<JsonValue> = z.custom<JsonValue>((value) => value !== undefined, "a JSON value");
