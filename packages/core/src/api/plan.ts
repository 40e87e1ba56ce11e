import { z } from "zod";
import { messageOf } from "../error.ts";
import { matcherLengthMax, parseMatcher } from "../release/matchers.ts";
import type { AlertRule, Plan, PlanStep, QueryRule } from "../release/plan.ts";
import { everybodyThousandths } from "../release/plan.ts";
import { planOfPreset } from "../release/presets.ts";
import { guardConfigSchema, partialGuardConfigSchema } from "./guard.ts";

/** A percentage in integer thousandths. */
export const thousandthsSchema: z.ZodType<number> = z.int().min(0).max(everybodyThousandths);

const durationMsSchema: z.ZodType<number> = z
  .int()
  .min(0)
  .max(30 * 86_400_000);

const planStepSchema: z.ZodType<PlanStep> = z.object({ thousandths: thousandthsSchema, holdMs: durationMsSchema });

const alertRuleSchema: z.ZodType<AlertRule> = z.object({
  matchers: z
    .array(
      z
        .string()
        .max(matcherLengthMax)
        .refine((text) => parseMatcher(text) !== undefined, 'a matcher such as service=~"checkout|cart"'),
    )
    .min(1)
    .max(32),
  action: z.enum(["revert", "hold"]),
});

const queryFields = {
  name: z.string().min(1).max(100),
  expression: z.string().min(1).max(4_000),
  forMs: durationMsSchema,
  action: z.enum(["revert", "hold"]),
  unanswered: z.enum(["hold", "ignore"]),
};

const queryRuleSchema: z.ZodType<QueryRule> = z.object(queryFields);

/** A query as people write it: it reverts at once where it fires, and holds where nobody answers it. */
const partialQueryRuleSchema: z.ZodType<QueryRule> = z.strictObject({
  ...queryFields,
  forMs: queryFields.forMs.default(0),
  action: queryFields.action.default("revert"),
  unanswered: queryFields.unanswered.default("hold"),
});

const areNamesDifferent = (queries: readonly QueryRule[]): boolean =>
  new Set(queries.map(({ name }) => name)).size === queries.length;

const planFields = {
  steps: z
    .array(planStepSchema)
    .min(1, "at least one step")
    .max(100, "at most 100 steps")
    .refine(
      (steps) => steps.every((step, index) => index === 0 || step.thousandths > (steps[index - 1]?.thousandths ?? 0)),
      "percentages that rise from step to step",
    ),
  automatic: z.boolean(),
  bakeMs: durationMsSchema,
  guard: guardConfigSchema,
  alerts: z.array(alertRuleSchema).max(32),
  queries: z.array(queryRuleSchema).max(32).refine(areNamesDifferent, "names that differ"),
  promotion: z.object({ waitMaxMs: durationMsSchema, otherwise: z.enum(["hold", "proceed"]) }).nullable(),
  requiredApps: z.array(z.string().min(1).max(200)).max(100),
};

export const planSchema: z.ZodType<Plan> = z.object(planFields);

const presetSchema: z.ZodType<Plan, string> = z
  .string()
  .max(200)
  .transform((name, context) => {
    try {
      return planOfPreset(name);
    } catch (error) {
      context.addIssue({ code: "custom", message: messageOf(error) });
      return z.NEVER;
    }
  });

const planObjectSchema: z.ZodType<Plan> = z
  .strictObject({
    preset: presetSchema.prefault("careful"),
    steps: planFields.steps.exactOptional(),
    automatic: planFields.automatic.exactOptional(),
    bakeMs: planFields.bakeMs.exactOptional(),
    guard: partialGuardConfigSchema,
    alerts: planFields.alerts.exactOptional(),
    queries: z.array(partialQueryRuleSchema).max(32).refine(areNamesDifferent, "names that differ").exactOptional(),
    promotion: planFields.promotion.exactOptional(),
    requiredApps: planFields.requiredApps.exactOptional(),
  })
  .transform(({ preset, ...given }) => ({ ...preset, ...given }));

/**
 * A plan as people write it: a preset's name, or `{"preset": …}` with what differs from it. What is left out is the preset's, and
 * the default plan's without one. It comes out whole, so that no event depends on what a name means later. The guard's values are
 * held to their ranges.
 */
export const partialPlanSchema: z.ZodType<Plan> = z.preprocess(
  (input) => (typeof input === "string" ? { preset: input } : input),
  planObjectSchema,
);
