import { z } from "zod";
import type { JsonValue } from "../version/json-value.ts";
import { jsonSchema } from "./json.ts";
import { nameSchema } from "./log.ts";
import { limits } from "./protocol.ts";

/** Length of an alert's name, in characters. */
export const alertNameLengthMax = 200;

/** Body of `POST /v1/alerts/alertmanager`: the webhook payload of Alertmanager, version 4, as far as it is read. */
export interface AlertWebhook {
  /** Each held to `webhookAlertSchema` by itself: one bad label must not lose the alert beside it. */
  readonly alerts: readonly JsonValue[];
  /** Alerts that Alertmanager left out, by its setting `max_alerts`. */
  readonly truncatedAlerts: number;
}

export const alertWebhookSchema: z.ZodType<AlertWebhook> = z.object({
  version: z.literal("4"),
  alerts: z.array(jsonSchema).max(limits.alertsPerWebhookMax),
  truncatedAlerts: z.int().min(0).default(0),
});

const labelsSchema: z.ZodType<Readonly<Record<string, string>>> = z.record(
  z.string().max(200),
  z.string().max(limits.labelLengthMax),
);

const statusSchema: z.ZodType<"firing" | "resolved"> = z.enum(["firing", "resolved"]);

/** One alert of the webhook. Its labels are whole: those of the group and the common ones are among them. */
export interface WebhookAlert {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  /** Since when it fires, RFC 3339: with the labels it tells this alert from the same one yesterday. */
  readonly startsAt?: string | undefined;
  /** Alertmanager's hash of the labels. */
  readonly fingerprint?: string | undefined;
}

export const webhookAlertSchema: z.ZodType<WebhookAlert> = z.object({
  status: statusSchema,
  labels: labelsSchema,
  startsAt: z.string().max(64).optional(),
  fingerprint: z.string().max(128).optional(),
});

/** Body of `POST /v1/alerts`, for whatever is not Alertmanager. */
export interface PlainAlert {
  readonly name: string;
  readonly status: "firing" | "resolved";
  /** Compared with the plans' matchers, with `alertname` added where it is not among them. */
  readonly labels: Readonly<Record<string, string>>;
  /** Says whom it concerns in place of the matchers; goes with `action`. */
  readonly dataset: string | null;
  readonly action: "revert" | "hold" | null;
  readonly reason: string | null;
}

export const plainAlertSchema: z.ZodType<PlainAlert> = z
  .strictObject({
    name: z.string().min(1).max(alertNameLengthMax),
    status: statusSchema.default("firing"),
    labels: labelsSchema.default({}),
    dataset: nameSchema.nullable().default(null),
    action: z.enum(["revert", "hold"]).nullable().default(null),
    reason: z.string().min(1).max(2_000).nullable().default(null),
  })
  .refine(
    ({ dataset, action }) => (dataset === null) === (action === null),
    "dataset and action together, or neither: without them the plans' matchers say whom the labels concern",
  );

/** What an alert does to one release. */
export interface AlertEffect {
  readonly release: string;
  readonly dataset: string;
  /** The candidate, by its publish. */
  readonly publish: number;
  readonly action: "revert" | "hold" | "resume";
  /** The matchers of the plan's rule that says so; null where the alert names the dataset, or lets its own hold go. */
  readonly rule: string | null;
  /** `would`: it was only asked what would happen. `unchanged`: it was so already, `message` says by whom. */
  readonly outcome: "done" | "unchanged" | "would";
  readonly message: string | null;
}

/** What came of one alert. */
export interface AlertAnswer {
  readonly name: string;
  readonly fingerprint: string;
  readonly status: "firing" | "resolved";
  readonly effects: readonly AlertEffect[];
  /** Why it does nothing to a release that it might have concerned, or nothing at all. */
  readonly reasons: readonly string[];
}

/** Answer to both routes of alerts. */
export interface AlertsAnswer {
  readonly dryRun: boolean;
  /** Alerts in the body. */
  readonly received: number;
  /** Alerts that the sender left out. */
  readonly truncated: number;
  /** Alerts that could not be read, by their place in the body. */
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
  readonly alerts: readonly AlertAnswer[];
}

const countSchema: z.ZodType<number> = z.int().min(0);

export const alertsAnswerSchema: z.ZodType<AlertsAnswer> = z.object({
  dryRun: z.boolean(),
  received: countSchema,
  truncated: countSchema,
  refused: z.array(z.object({ index: countSchema, reason: z.string() })),
  alerts: z.array(
    z.object({
      name: z.string(),
      fingerprint: z.string(),
      status: statusSchema,
      effects: z.array(
        z.object({
          release: z.string(),
          dataset: nameSchema,
          publish: z.int().min(1),
          action: z.enum(["revert", "hold", "resume"]),
          rule: z.string().nullable(),
          outcome: z.enum(["done", "unchanged", "would"]),
          message: z.string().nullable(),
        }),
      ),
      reasons: z.array(z.string()),
    }),
  ),
});
