import { z } from "zod";
import type { AbsoluteRule, GuardConfig, PromotionBound } from "../guard/config.ts";
import { defaultGuardConfig, guardConfigProblems } from "../guard/config.ts";

const wholeSchema: z.ZodType<number> = z.int().min(0);

const absoluteRuleSchema: z.ZodType<AbsoluteRule> = z.object({
  errorRateLimit: z.number(),
  windowMs: wholeSchema,
  requestsMin: wholeSchema,
  mode: z.enum(["literal", "confirmed", "evidence"]),
  alpha: z.number(),
});

/** A bound of the promotion test. */
export const promotionBoundSchema: z.ZodType<PromotionBound> = z.object({
  fromThousandths: wholeSchema,
  worseRatio: z.number(),
  worseExtraRate: z.number(),
});

const promotionFields = { beta: z.number(), bounds: z.array(promotionBoundSchema).max(8) };

const guardFields = {
  alpha: z.number(),
  toleratedRatio: z.number(),
  toleratedExtraRate: z.number(),
  kinds: z.array(z.string()).max(8),
  failuresMin: wholeSchema,
  absolute: z.array(absoluteRuleSchema).max(8),
  promotion: z.object(promotionFields),
  slowMs: z.number().nullable(),
  counting: z.enum(["differing", "touched"]),
};

/** The shape alone: an event was held to the values when it was made. */
export const guardConfigSchema: z.ZodType<GuardConfig> = z.object(guardFields);

/** A guard as people write it: what is left out is the default's, and the values are held to their ranges. */
export const partialGuardConfigSchema: z.ZodType<GuardConfig> = z
  .strictObject({
    alpha: guardFields.alpha.default(defaultGuardConfig.alpha),
    toleratedRatio: guardFields.toleratedRatio.default(defaultGuardConfig.toleratedRatio),
    toleratedExtraRate: guardFields.toleratedExtraRate.default(defaultGuardConfig.toleratedExtraRate),
    kinds: guardFields.kinds.default([...defaultGuardConfig.kinds]),
    failuresMin: guardFields.failuresMin.default(defaultGuardConfig.failuresMin),
    absolute: guardFields.absolute.default([...defaultGuardConfig.absolute]),
    promotion: z
      .strictObject({
        beta: promotionFields.beta.default(defaultGuardConfig.promotion.beta),
        bounds: promotionFields.bounds.default([...defaultGuardConfig.promotion.bounds]),
      })
      .prefault({}),
    slowMs: guardFields.slowMs.default(defaultGuardConfig.slowMs),
    counting: guardFields.counting.default(defaultGuardConfig.counting),
  })
  .superRefine((config, context) => {
    for (const problem of guardConfigProblems(config)) context.addIssue({ code: "custom", message: problem });
  })
  .prefault({});
