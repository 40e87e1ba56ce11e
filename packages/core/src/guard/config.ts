import { SluiceError } from "../error.ts";
import type { Tolerance } from "./comparative.ts";

/** A limit on the candidate's own failure rate over a window. */
export interface AbsoluteRule {
  /** The failure rate, a fraction, above which the rule looks at the candidate; above 0, at most 2/3. */
  readonly errorRateLimit: number;
  /** 250 to 3,600,000, kept in slots of 250 ms. */
  readonly windowMs: number;
  /** Candidate requests in the window before the rule says anything. */
  readonly requestsMin: number;
  readonly mode: AbsoluteMode;
  /** The chance that this rule ever reverts a release whose true rate is within the limit; up to 0.5. `literal` has no such bound. */
  readonly alpha: number;
}

/**
 * What a window over its limit has to be joined by before the rule reverts.
 * - `confirmed` (default): evidence that the rate is over the limit, a control arm that does not fail as well, and a comparison
 *   that finds the candidate worse, where there is a control arm to compare with. Wrong where both arms share what the
 *   candidate broke (a backend that it overloads): the comparison sees nothing, and the rule stays silent.
 * - `evidence`: the same without the comparison. Wrong where outages are slow to reach the control arm: it reverts good releases then.
 * - `literal`: nothing. Wrong nearly always: it looks again every 250 ms without paying for it, so that it reverts good releases
 *   whose rate is near the limit, and every release in an outage that both arms share.
 */
export type AbsoluteMode = "literal" | "confirmed" | "evidence";

/** What the promotion test rules out from a percentage on: a candidate that is this much worse than the control. */
export interface PromotionBound {
  /** The bound is in force from this percentage on (thousandths of a percent), up to the next bound's. */
  readonly fromThousandths: number;
  /** A candidate rate of at least this many times the control's is intolerable; 1 to 1000. */
  readonly worseRatio: number;
  /** And this much on top, a fraction of requests; above 0, below 1. */
  readonly worseExtraRate: number;
}

/** When the evidence is good enough for more users. */
export interface PromotionConfig {
  /** The chance that the test ever lets an intolerably worse candidate go on; up to 0.5. */
  readonly beta: number;
  /** 1 to 8, the first from 0, by rising percentage. */
  readonly bounds: readonly PromotionBound[];
}

/** What a guard of one release tests. It does not change while the release runs: another tolerance is another test. */
export interface GuardConfig extends Tolerance {
  /** The chance that the comparative rule ever reverts a release that is not worse than tolerated; up to 0.5. */
  readonly alpha: number;
  /** A candidate rate up to this many times the control's is not a regression; 1 to 100. */
  readonly toleratedRatio: number;
  /** And this much on top, a fraction of requests; 0 to below 1. */
  readonly toleratedExtraRate: number;
  /** Failure kinds that are compared each by itself, at most 8; all others are compared together as `other`. */
  readonly kinds: readonly string[];
  /** Candidate failures, of distinct users where those are known, before any rule reverts. */
  readonly failuresMin: number;
  /** At most 8. */
  readonly absolute: readonly AbsoluteRule[];
  readonly promotion: PromotionConfig;
  /** A request that succeeds and takes longer than this counts as a failure of the kind `slow`; null: none does. */
  readonly slowMs: number | null;
  /**
   * Which views count: those that read an item in which the versions differ, or all that read the dataset. `touched` is for a
   * candidate that changes what is read (a listing that breaks before it reads), and needs far more requests.
   */
  readonly counting: "differing" | "touched";
}

/** The kind under which failures of undeclared kinds are compared. */
export const otherKind = "other";

/**
 * The kind of requests that succeeded and took longer than `slowMs`. It is a stream of its own, and no failure to the
 * absolute rules, to the unit stream and to the totals. Where `slowMs` is null its requests count as successes.
 */
export const slowKind = "slow";

const kindsMax = 8;
const absoluteRulesMax = 8;
const promotionBoundsMax = 8;
const slowMsMax = 600_000;
const worseRatioMax = 1000;
const everybodyThousandths = 100_000;
/** Length of the clock's slots: blocks close and windows move in these. */
export const slotMs = 250;
const windowMsMax = 3_600_000;
const kindLengthMax = 64;
const errorRateLimitMax = 2 / 3;

/**
 * The default guard. Of the 1 % of false reverts that a release may cost, the comparative rule has 0.6 and the absolute
 * rules together 0.2; the rest is kept for sidecars that are cut off and act alone.
 */
export const defaultGuardConfig: GuardConfig = {
  alpha: 0.006,
  toleratedRatio: 1.25,
  toleratedExtraRate: 0,
  kinds: [],
  failuresMin: 3,
  absolute: [{ errorRateLimit: 0.05, windowMs: 30_000, requestsMin: 50, mode: "confirmed", alpha: 0.002 }],
  promotion: {
    beta: 0.1,
    bounds: [
      { fromThousandths: 0, worseRatio: 5, worseExtraRate: 0.01 },
      { fromThousandths: 5_000, worseRatio: 3, worseExtraRate: 0.005 },
      { fromThousandths: 25_000, worseRatio: 2, worseExtraRate: 0.001 },
    ],
  },
  slowMs: null,
  counting: "differing",
};

/**
 * The configuration of a guard that has lost its evidence and begins anew. Each start may err with an alpha of its own, and the first one
 * had the whole: the next one after `losses` has alpha / (losses + 1), so that all together may err with alpha times 1 + 1/2 + 1/3 + …,
 * which is more than was promised to one and grows as slowly as the logarithm of the losses.
 */
export function configAfterLosses(config: GuardConfig, losses: number): GuardConfig {
  const starts = losses + 1;
  return {
    ...config,
    alpha: config.alpha / starts,
    absolute: config.absolute.map((rule) => ({ ...rule, alpha: rule.alpha / starts })),
    promotion: { ...config.promotion, beta: config.promotion.beta / starts },
  };
}

/** Every value of a guard's configuration that is out of its range, in words; none where it is usable. */
export function guardConfigProblems(config: GuardConfig): string[] {
  const problems = [...comparativeProblems(config), ...kindProblems(config.kinds)];
  if (config.absolute.length > absoluteRulesMax) {
    problems.push(`absolute: at most ${absoluteRulesMax} rules, not ${config.absolute.length}`);
  }
  for (const [index, rule] of config.absolute.entries()) problems.push(...absoluteProblems(rule, `absolute[${index}]`));
  problems.push(...promotionProblems(config.promotion));
  const { slowMs } = config;
  if (slowMs !== null && !(slowMs > 0 && slowMs <= slowMsMax)) {
    problems.push(`slowMs: above 0 and at most ${slowMsMax}, or null, not ${slowMs}`);
  }
  return problems;
}

/** Raises VALIDATION with every problem of a guard's configuration listed in `details.problems`. */
export function assertGuardConfig(config: GuardConfig): void {
  const problems = guardConfigProblems(config);
  if (problems.length > 0) {
    throw new SluiceError("VALIDATION", `the guard's configuration is not usable: ${problems.join("; ")}`, {
      details: { problems },
    });
  }
}

function comparativeProblems(config: GuardConfig): string[] {
  const { alpha, toleratedRatio, toleratedExtraRate, failuresMin } = config;
  const problems: string[] = [];
  if (!isAlpha(alpha)) problems.push(`alpha: above 0 and at most 0.5, not ${alpha}`);
  if (!(toleratedRatio >= 1 && toleratedRatio <= 100)) problems.push(`toleratedRatio: 1 to 100, not ${toleratedRatio}`);
  if (!(toleratedExtraRate >= 0 && toleratedExtraRate < 1)) {
    problems.push(`toleratedExtraRate: a fraction from 0 to below 1, not ${toleratedExtraRate}`);
  }
  if (!isCountFromOne(failuresMin) || failuresMin > 1000) problems.push(`failuresMin: 1 to 1000, not ${failuresMin}`);
  return problems;
}

function kindProblems(kinds: readonly string[]): string[] {
  const problems: string[] = [];
  if (kinds.length > kindsMax) problems.push(`kinds: at most ${kindsMax}, not ${kinds.length}`);
  if (new Set(kinds).size !== kinds.length) problems.push("kinds: each one once");
  if (kinds.includes(otherKind)) problems.push(`kinds: "${otherKind}" is what undeclared kinds count as`);
  if (kinds.includes(slowKind)) problems.push(`kinds: "${slowKind}" is compared wherever slowMs is set`);
  if (kinds.some((kind) => kind.length === 0 || kind.length > kindLengthMax)) {
    problems.push(`kinds: 1 to ${kindLengthMax} characters each`);
  }
  return problems;
}

function absoluteProblems(rule: AbsoluteRule, path: string): string[] {
  const { errorRateLimit, windowMs, requestsMin, alpha } = rule;
  const problems: string[] = [];
  // Above 2/3 not even the smallest multiple of the grid is a rate below 1, and nothing could ever be confirmed.
  if (!(errorRateLimit > 0 && errorRateLimit <= errorRateLimitMax)) {
    problems.push(`${path}.errorRateLimit: a fraction above 0 and at most 2/3, not ${errorRateLimit}`);
  }
  if (!(Number.isInteger(windowMs) && windowMs >= slotMs && windowMs <= windowMsMax)) {
    problems.push(`${path}.windowMs: a whole number from ${slotMs} to ${windowMsMax}, not ${windowMs}`);
  }
  if (!isCountFromOne(requestsMin)) problems.push(`${path}.requestsMin: a whole number from 1, not ${requestsMin}`);
  if (!isAlpha(alpha)) problems.push(`${path}.alpha: above 0 and at most 0.5, not ${alpha}`);
  return problems;
}

function promotionProblems({ beta, bounds }: PromotionConfig): string[] {
  const problems: string[] = [];
  if (!isAlpha(beta)) problems.push(`promotion.beta: above 0 and at most 0.5, not ${beta}`);
  if (bounds.length === 0 || bounds.length > promotionBoundsMax) {
    problems.push(`promotion.bounds: 1 to ${promotionBoundsMax}, not ${bounds.length}`);
  }
  for (const [index, { fromThousandths, worseRatio, worseExtraRate }] of bounds.entries()) {
    const path = `promotion.bounds[${index}]`;
    const before = bounds[index - 1]?.fromThousandths;
    const isInOrder = before === undefined ? fromThousandths === 0 : fromThousandths > before;
    if (!isInOrder || !Number.isInteger(fromThousandths) || fromThousandths > everybodyThousandths) {
      problems.push(
        `${path}.fromThousandths: whole numbers that rise from 0 to at most 100000, not ${fromThousandths}`,
      );
    }
    if (!(worseRatio >= 1 && worseRatio <= worseRatioMax)) {
      problems.push(`${path}.worseRatio: 1 to ${worseRatioMax}, not ${worseRatio}`);
    }
    // Without an extra rate nothing could ever be ruled out while nothing fails.
    if (!(worseExtraRate > 0 && worseExtraRate < 1)) {
      problems.push(`${path}.worseExtraRate: a fraction above 0 and below 1, not ${worseExtraRate}`);
    }
  }
  return problems;
}

function isAlpha(value: number): boolean {
  return value > 0 && value <= 0.5;
}

function isCountFromOne(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
