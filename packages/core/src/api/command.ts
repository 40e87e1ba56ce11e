import { z } from "zod";
import type { QuarantinedChanges, SourceDefinition } from "../release/event.ts";
import type { Plan } from "../release/plan.ts";
import { guardOffMsMax } from "../release/decide-release.ts";
import { defaultPlan, everybodyThousandths } from "../release/plan.ts";
import type { Check, CheckFinding } from "../version/checks.ts";
import { priceChecks, stockChecks } from "../version/checks.ts";
import type { DifferenceSummary } from "../version/difference.ts";
import { checkSchema } from "../version/check-schema.ts";
import { checkFindingSchema, differenceSchema } from "./check.ts";
import { jsonSchema } from "./json.ts";
import { hashSchema, nameSchema, sourceFields } from "./log.ts";
import { partialPlanSchema, thousandthsSchema } from "./plan.ts";
import { limits } from "./protocol.ts";

/** Header that says who gives a command; without it the actor is `person unknown`. */
export const actorHeader = "sluice-actor";

/** Header that makes a repeated command happen once, for 24 hours. */
export const idempotencyHeader = "idempotency-key";

export const reasonSchema: z.ZodType<string> = z.string().min(1).max(2_000);
const epochSchema: z.ZodType<number | null> = z.int().min(1).nullable().default(null);

/** Which checks a dataset starts with. */
const templates = { none: [], prices: priceChecks, stock: stockChecks } as const;

/** Body of `POST /v1/datasets`. A canary dataset holds or releases what is published; an immediate one shows it at once. */
export interface CreateDataset {
  readonly name: string;
  readonly policy: "immediate" | "canary";
  readonly plan: Plan;
  readonly checks: readonly Check[];
}

/** Whatever of the plan is left out is the default plan's; `template` names a check set, `checks` replaces it. */
export const createDatasetSchema: z.ZodType<CreateDataset> = z
  .strictObject({
    name: nameSchema,
    policy: z.enum(["immediate", "canary"]).default("canary"),
    plan: partialPlanSchema.default(defaultPlan),
    template: z.enum(["none", "prices", "stock"]).default("none"),
    checks: z.array(checkSchema).max(64).nullable().default(null),
  })
  .transform(({ template, checks, ...dataset }) => ({ ...dataset, checks: checks ?? templates[template] }));

/** Body of `POST /v1/datasets/:dataset/sources`. */
export const addSourceSchema: z.ZodType<SourceDefinition> = z.strictObject({
  ...sourceFields,
  id: nameSchema.default("main"),
  intervalMs: sourceFields.intervalMs.default(30_000),
  onNew: sourceFields.onNew.default("hold"),
});

/** Query of `POST /v1/datasets/:dataset/versions`, whose body is the upload itself. */
export interface PublishQuery {
  /** Start at once; without it a canary dataset holds the version. */
  readonly release: boolean;
  /** First percentage in thousandths; null takes the plan's first step. */
  readonly thousandths: number | null;
  readonly supersede: boolean;
  readonly acceptQuarantined: boolean;
}

const flagSchema: z.ZodType<boolean> = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true");

export const publishQuerySchema: z.ZodType<PublishQuery> = z.object({
  release: flagSchema,
  thousandths: z.coerce.number().int().min(0).max(everybodyThousandths).nullable().default(null),
  supersede: flagSchema,
  acceptQuarantined: flagSchema,
});

/** One item of a patch: a JSON merge patch (RFC 7396) of its value, a whole value, or its removal. */
export type PatchItem =
  | { readonly key: string; readonly merge: unknown }
  | { readonly key: string; readonly value: unknown }
  | { readonly key: string; readonly remove: true };

/** Body of `POST /v1/datasets/:dataset/patches`. */
export interface PatchBody {
  readonly items: readonly PatchItem[];
  /** `both`: replace or remove whole values in both lines although the lines differ in them. */
  readonly line: "both" | null;
}

const patchKeySchema: z.ZodType<string> = z.string().min(1);

export const patchBodySchema: z.ZodType<PatchBody> = z.strictObject({
  items: z
    .array(
      z.union(
        [
          z.strictObject({ key: patchKeySchema, merge: jsonSchema }),
          z.strictObject({ key: patchKeySchema, value: jsonSchema }),
          z.strictObject({ key: patchKeySchema, remove: z.literal(true) }),
        ],
        { error: 'expected {"key": …, "merge": …}, {"key": …, "value": …} or {"key": …, "remove": true}' },
      ),
    )
    .min(1)
    .max(limits.itemsPerPatchMax),
  line: z.literal("both").nullable().default(null),
});

/** Body of `POST /v1/datasets/:dataset/release`. */
export interface StartRelease {
  readonly publish: number | null;
  readonly plan: Plan | null;
  readonly thousandths: number | null;
  readonly acceptQuarantined: boolean;
}

export const startReleaseSchema: z.ZodType<StartRelease> = z.strictObject({
  publish: z.int().min(1).nullable().default(null),
  plan: partialPlanSchema.nullable().default(null),
  thousandths: thousandthsSchema.nullable().default(null),
  acceptQuarantined: z.boolean().default(false),
});

/** Body of `POST /v1/releases/:release/percentage`. `epoch` is the one that the person looked at. */
export const setPercentageSchema: z.ZodType<{ thousandths: number; epoch: number | null }> = z.strictObject({
  thousandths: thousandthsSchema,
  epoch: epochSchema,
});

/** Body of `POST /v1/releases/:release/promote`. */
export const promoteSchema: z.ZodType<{ epoch: number | null }> = z.strictObject({ epoch: epochSchema });

/** Body of `POST /v1/releases/:release/hold`, `…/resume`, `…/revert`, `POST /v1/datasets/:dataset/revert` and `POST /v1/here/…`. */
export const reasonBodySchema: z.ZodType<{ reason: string }> = z.strictObject({
  reason: reasonSchema.default("no reason given"),
});

/** Body of `POST /v1/releases/:release/guard-off`: for 1 second to 12 hours, and a person says why. */
export const guardOffBodySchema: z.ZodType<{ forMs: number; reason: string }> = z.strictObject({
  forMs: z.int().min(1_000).max(guardOffMsMax),
  reason: reasonSchema,
});

/** Body of `POST /v1/datasets/:dataset/quarantine/lift`. */
export const liftQuarantineSchema: z.ZodType<{ publish: number; keys: readonly string[] | null; reason: string }> =
  z.strictObject({
    publish: z.int().min(1),
    keys: z.array(z.string().min(1)).min(1).max(10_000).nullable().default(null),
    reason: reasonSchema.default("no reason given"),
  });

/** What has a receipt. The last two concern one host alone. */
export const receiptActions = [
  "start",
  "percentage",
  "hold",
  "resume",
  "promote",
  "revert",
  "restore",
  "here-revert",
  "here-lift",
] as const;

/** Who has taken up a command, and when: the answer to "is it gone everywhere?". */
export interface Receipt {
  readonly action: (typeof receiptActions)[number];
  readonly release: string;
  /** Control sequence number of the command's last event; null while a revert runs ahead of the log. */
  readonly sequence: number | null;
  /** False while a revert is announced and not yet in the log, or on the disk of the host that it is of. */
  readonly durable: boolean;
  /** Milliseconds since the Unix epoch of the announcement. */
  readonly announcedAt: number;
  /** Followers that had a live lease at the command and have not said goodbye since, and those that were away and have confirmed since. */
  readonly expected: number;
  readonly confirmed: number;
  /** From the announcement to the arrival of the confirmation, in milliseconds, of those who were there; null before the first. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** From the announcement to the last of these confirmations so far. */
  readonly lastMs: number | null;
  /** Names of at most 100 followers that have not confirmed. */
  readonly missing: readonly string[];
  /**
   * Names of at most 100 followers whose lease had ended without a goodbye within 15 minutes before the command, and that have not
   * confirmed since: not among `expected` until they are back and do.
   */
  readonly away: readonly string[];
  /** How many there are of these. */
  readonly awayTotal: number;
  /**
   * For how long the origin had run at the command, in milliseconds, where that was under 15 s since a restart: a restart forgets who
   * followed, so that others who are not expected may still show what was before until they come back. Else left out.
   */
  readonly originAgeMs?: number;
}

const millisecondsSchema: z.ZodType<number> = z.number().min(0);

export const receiptSchema: z.ZodType<Receipt> = z.object({
  action: z.enum(receiptActions),
  release: z.string(),
  sequence: z.int().nullable(),
  durable: z.boolean(),
  announcedAt: millisecondsSchema,
  expected: z.int().min(0),
  confirmed: z.int().min(0),
  p50Ms: millisecondsSchema.nullable(),
  p99Ms: millisecondsSchema.nullable(),
  lastMs: millisecondsSchema.nullable(),
  missing: z.array(z.string()),
  away: z.array(z.string()),
  awayTotal: z.int().min(0),
  originAgeMs: millisecondsSchema.exactOptional(),
});

/** Answer to a command. */
export interface CommandAnswer {
  /** `unchanged`: what was asked for was so already; the receipt is then the earlier one, where there is one. */
  readonly outcome: "done" | "unchanged";
  readonly message: string;
  readonly sequence: number | null;
  readonly release: string | null;
  readonly receipt: Receipt | null;
}

export const commandAnswerSchema: z.ZodType<CommandAnswer> = z.object({
  outcome: z.enum(["done", "unchanged"]),
  message: z.string(),
  sequence: z.int().nullable(),
  release: z.string().nullable(),
  receipt: receiptSchema.nullable(),
});

/** Answer to a publish. */
export interface PublishAnswer {
  readonly outcome: "live" | "held" | "started" | "unchanged";
  readonly message: string;
  readonly dataset: string;
  readonly number: number;
  readonly items: number;
  readonly contentHash: string;
  readonly difference: DifferenceSummary | null;
  readonly warnings: readonly CheckFinding[];
  readonly quarantinedChanges: QuarantinedChanges | null;
  readonly release: string | null;
}

export const publishAnswerSchema: z.ZodType<PublishAnswer> = z.object({
  outcome: z.enum(["live", "held", "started", "unchanged"]),
  message: z.string(),
  dataset: nameSchema,
  number: z.int().min(1),
  items: z.int().min(0),
  contentHash: hashSchema,
  difference: differenceSchema.nullable(),
  warnings: z.array(checkFindingSchema),
  quarantinedChanges: z.object({ count: z.int(), of: z.int(), publish: z.int() }).nullable(),
  release: z.string().nullable(),
});

/** Answer to a patch: the numbers that it gave. */
export interface PatchAnswer {
  readonly outcome: "done" | "unchanged";
  readonly dataset: string;
  readonly stable: number;
  readonly candidate: number | null;
  readonly sequence: number | null;
}

export const patchAnswerSchema: z.ZodType<PatchAnswer> = z.object({
  outcome: z.enum(["done", "unchanged"]),
  dataset: nameSchema,
  stable: z.int().min(1),
  candidate: z.int().min(1).nullable(),
  sequence: z.int().nullable(),
});
