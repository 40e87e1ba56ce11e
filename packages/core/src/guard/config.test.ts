import { expect, test } from "vitest";
import { isSluiceError } from "../error.ts";
import {
  type AbsoluteRule,
  assertGuardConfig,
  configAfterLosses,
  defaultGuardConfig,
  type GuardConfig,
} from "./config.ts";

const rule: AbsoluteRule = { errorRateLimit: 0.02, windowMs: 30_000, requestsMin: 50, mode: "confirmed", alpha: 0.002 };

const bound = { fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.001 };
const boundsOf = (count: number) => Array.from({ length: count }, (_, index) => ({ ...bound, fromThousandths: index }));

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
  [{ kinds: ["slow"] }, /^kinds: "slow"/],
  [{ slowMs: 0 }, /^slowMs/],
  [{ slowMs: 600_001 }, /^slowMs/],
  [{ slowMs: Number.NaN }, /^slowMs/],
  [{ promotion: { beta: 0, bounds: [bound] } }, /^promotion.beta/],
  [{ promotion: { beta: 0.51, bounds: [bound] } }, /^promotion.beta/],
  [{ promotion: { beta: 0.1, bounds: [] } }, /^promotion.bounds: 1 to 8, not 0/],
  [{ promotion: { beta: 0.1, bounds: boundsOf(9) } }, /^promotion.bounds: 1 to 8, not 9/],
  [{ promotion: { beta: 0.1, bounds: [{ ...bound, fromThousandths: 1 }] } }, /bounds\[0\].fromThousandths/],
  [{ promotion: { beta: 0.1, bounds: [bound, bound] } }, /bounds\[1\].fromThousandths/],
  [{ promotion: { beta: 0.1, bounds: [bound, { ...bound, fromThousandths: 0.5 }] } }, /bounds\[1\].fromThousandths/],
  [{ promotion: { beta: 0.1, bounds: [bound, { ...bound, fromThousandths: 100_001 }] } }, /bounds\[1\].from/],
  [{ promotion: { beta: 0.1, bounds: [{ ...bound, worseRatio: 0.99 }] } }, /worseRatio/],
  [{ promotion: { beta: 0.1, bounds: [{ ...bound, worseRatio: 1001 }] } }, /worseRatio/],
  [{ promotion: { beta: 0.1, bounds: [{ ...bound, worseExtraRate: 0 }] } }, /worseExtraRate/],
  [{ promotion: { beta: 0.1, bounds: [{ ...bound, worseExtraRate: 1 }] } }, /worseExtraRate/],
] satisfies [Partial<GuardConfig>, RegExp][])("the configuration %o is refused by name", ([change, message]) => {
  expect(problems(change)).toEqual([expect.stringMatching(message)]);
});

test("all problems of a configuration are listed at once", () => {
  expect(
    problems({ alpha: 2, toleratedRatio: 0, kinds: ["other"], absolute: [{ ...rule, windowMs: 0 }] }),
  ).toHaveLength(4);
});

test("the ends of every range are usable", () => {
  expect(problems({ alpha: 0.5, toleratedRatio: 1, toleratedExtraRate: 0, failuresMin: 1, slowMs: 0.001 })).toEqual([]);
  expect(problems({ toleratedRatio: 100, failuresMin: 1000, slowMs: 600_000, kinds: ["k".repeat(64)] })).toEqual([]);
  expect(problems({ kinds: Array.from({ length: 8 }, (_, index) => `kind-${index}`) })).toEqual([]);
  expect(problems({ absolute: Array.from({ length: 8 }, () => ({ ...rule, errorRateLimit: 2 / 3 })) })).toEqual([]);
  expect(problems({ absolute: [{ ...rule, windowMs: 250, requestsMin: 1, alpha: 0.5 }] })).toEqual([]);
  expect(problems({ absolute: [{ ...rule, windowMs: 3_600_000 }] })).toEqual([]);
  expect(problems({ promotion: { beta: 0.5, bounds: boundsOf(8) } })).toEqual([]);
  const widest = { fromThousandths: 100_000, worseRatio: 1000, worseExtraRate: 0.999 };
  expect(problems({ promotion: { beta: 0.1, bounds: [{ ...bound, worseRatio: 1 }, widest] } })).toEqual([]);
});

test("a guard that begins anew spends a share of what was promised, and the first time all of it", () => {
  expect(configAfterLosses(defaultGuardConfig, 0)).toEqual(defaultGuardConfig);
  const { alpha, absolute, promotion, ...rest } = defaultGuardConfig;
  expect(configAfterLosses(defaultGuardConfig, 2)).toEqual({
    ...rest,
    alpha: alpha / 3,
    absolute: absolute.map((each) => ({ ...each, alpha: each.alpha / 3 })),
    promotion: { ...promotion, beta: promotion.beta / 3 },
  });
});
