import { z } from "zod";
import { parseMatcher } from "../release/matchers.ts";
import type { AlertRule, Plan, PlanStep, QueryRule } from "../release/plan.ts";
import { defaultPlan, everybodyThousandths } from "../release/plan.ts";
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
        .max(1_000)
        .refine((text) => parseMatcher(text) !== undefined, 'a matcher such as service=~"checkout|cart"'),
    )
    .min(1)
    .max(32),
  action: z.enum(["revert", "hold"]),
});

const queryRuleSchema: z.ZodType<QueryRule> = z.object({
  name: z.string().min(1).max(100),
  expression: z.string().min(1).max(4_000),
  forMs: durationMsSchema,
  action: z.enum(["revert", "hold"]),
  unanswered: z.enum(["hold", "ignore"]),
});

const planFields = {
  steps: z
    .array(planStepSchema)
    .min(1)
    .max(100)
    .refine(
      (steps) => steps.every((step, index) => index === 0 || step.thousandths > (steps[index - 1]?.thousandths ?? 0)),
      "percentages that rise from step to step",
    ),
  automatic: z.boolean(),
  bakeMs: durationMsSchema,
  guard: guardConfigSchema,
  alerts: z.array(alertRuleSchema).max(32),
  queries: z
    .array(queryRuleSchema)
    .max(32)
    .refine((queries) => new Set(queries.map(({ name }) => name)).size === queries.length, "names that differ"),
  promotion: z.object({ waitMaxMs: durationMsSchema, otherwise: z.enum(["hold", "proceed"]) }).nullable(),
  requiredApps: z.array(z.string().min(1).max(200)).max(100),
};

export const planSchema: z.ZodType<Plan> = z.object(planFields);

/** A plan as people write it: what is left out is the default plan's. The guard's values are held to their ranges. */
export const partialPlanSchema: z.ZodType<Plan> = z.strictObject({
  steps: planFields.steps.default([...defaultPlan.steps]),
  automatic: planFields.automatic.default(defaultPlan.automatic),
  bakeMs: planFields.bakeMs.default(defaultPlan.bakeMs),
  guard: partialGuardConfigSchema,
  alerts: planFields.alerts.default([...defaultPlan.alerts]),
  queries: planFields.queries.default([...defaultPlan.queries]),
  promotion: planFields.promotion.default(defaultPlan.promotion),
  requiredApps: planFields.requiredApps.default([...defaultPlan.requiredApps]),
});
