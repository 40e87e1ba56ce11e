import { z } from "zod";
import { nameSchema } from "./log.ts";
import { limits } from "./protocol.ts";

/** Headers of an answer to a read. */
export const versionHeader = "sluice-version";
export const armHeader = "sluice-arm";

/** Answer to `GET /v1/datasets/:dataset/items/:key?as=USER`. */
export interface ReadAnswer {
  readonly dataset: string;
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
  /** The arm that was served; null where no release is active or nobody was named. */
  readonly arm: "candidate" | "control" | null;
  readonly release: string | null;
}

export const readAnswerSchema: z.ZodType<ReadAnswer> = z.object({
  dataset: nameSchema,
  key: z.string(),
  value: z.unknown(),
  version: z.int().min(1),
  arm: z.enum(["candidate", "control"]).nullable(),
  release: z.string().nullable(),
});

/** Body of `POST /v1/datasets/:dataset/items`. */
export const readManySchema: z.ZodType<{ keys: readonly string[]; as: string | null }> = z.strictObject({
  keys: z.array(z.string().min(1)).min(1).max(limits.keysPerReadMax),
  as: z.string().min(1).max(1_000).nullable().default(null),
});

/** Answer to the batch form. Keys that are not there are left out of `items`. */
export interface ReadManyAnswer {
  readonly dataset: string;
  readonly items: Readonly<Record<string, unknown>>;
  readonly version: number;
  readonly arm: "candidate" | "control" | null;
  readonly release: string | null;
}

export const readManyAnswerSchema: z.ZodType<ReadManyAnswer> = z.object({
  dataset: nameSchema,
  // `z.record` would leave out an item called `__proto__`.
  items: z.custom<Readonly<Record<string, unknown>>>(isRecord, "an object of key to value"),
  version: z.int().min(1),
  arm: z.enum(["candidate", "control"]).nullable(),
  release: z.string().nullable(),
});

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
