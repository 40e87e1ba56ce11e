import { expect, test } from "vitest";
import { isSluiceError } from "../error.ts";
import { type AbsoluteRule, assertGuardConfig, defaultGuardConfig, type GuardConfig } from "./config.ts";

const rule: AbsoluteRule = { errorRateLimit: 0.02, windowMs: 30_000, requestsMin: 50, mode: "confirmed", alpha: 0.002 };

function problems(change: Partial<GuardConfig>): unknown {
  try {
    assertGuardConfig({ ...defaultGuardConfig, ...change });
    return [];
  } catch (error) {
    if (!isSluiceError(error, "VALIDATION")) throw error;
    return error.details["problems"];
  }
}

test("the default guard is usable and spends at most 0.8 % on false reverts", () => {
  expect(problems({})).toEqual([]);
  const alphas = [defaultGuardConfig.alpha, ...defaultGuardConfig.absolute.map(({ alpha }) => alpha)];
  expect(alphas.reduce((sum, alpha) => sum + alpha, 0)).toBeLessThanOrEqual(0.008);
});

test.for([
  [{ alpha: 0 }, /^alpha/],
  [{ alpha: Number.NaN }, /^alpha/],
  [{ alpha: 0.6 }, /^alpha/],
  [{ toleratedRatio: 0.9 }, /^toleratedRatio/],
  [{ toleratedRatio: 101 }, /^toleratedRatio/],
  [{ toleratedExtraRate: -0.1 }, /^toleratedExtraRate/],
  [{ toleratedExtraRate: 1 }, /^toleratedExtraRate/],
  [{ failuresMin: 0 }, /^failuresMin/],
  [{ failuresMin: 1001 }, /^failuresMin/],
  [{ kinds: Array.from({ length: 9 }, (_, index) => `kind-${index}`) }, /^kinds: at most 8/],
  [{ kinds: ["a", "a"] }, /^kinds: each one once/],
  [{ kinds: ["other"] }, /^kinds: "other"/],
  [{ kinds: [""] }, /^kinds: 1 to 64/],
  [{ kinds: ["k".repeat(65)] }, /^kinds: 1 to 64/],
  [{ absolute: Array.from({ length: 9 }, () => rule) }, /^absolute: at most 8/],
  [{ absolute: [{ ...rule, errorRateLimit: 0.7 }] }, /^absolute\[0\].errorRateLimit/],
  [{ absolute: [rule, { ...rule, errorRateLimit: 0 }] }, /^absolute\[1\].errorRateLimit/],
  [{ absolute: [{ ...rule, windowMs: 249 }] }, /windowMs/],
  [{ absolute: [{ ...rule, windowMs: 3_600_001 }] }, /windowMs/],
  [{ absolute: [{ ...rule, windowMs: 1000.5 }] }, /windowMs/],
  [{ absolute: [{ ...rule, requestsMin: 0 }] }, /requestsMin/],
  [{ absolute: [{ ...rule, alpha: 1 }] }, /alpha/],
] satisfies [Partial<GuardConfig>, RegExp][])("the configuration %o is refused by name", ([change, message]) => {
  expect(problems(change)).toEqual([expect.stringMatching(message)]);
});

test("all problems of a configuration are listed at once", () => {
  expect(
    problems({ alpha: 2, toleratedRatio: 0, kinds: ["other"], absolute: [{ ...rule, windowMs: 0 }] }),
  ).toHaveLength(4);
});
