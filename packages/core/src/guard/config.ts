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
  /** The window alone fires in every shared outage; `confirmed` also asks for evidence and looks at the control arm. */
  readonly mode: "confirmed";
  /** The chance that this rule ever reverts a release whose true rate is within the limit; up to 0.5. */
  readonly alpha: number;
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
}

/** The kind under which failures of undeclared kinds are compared. */
export const otherKind = "other";

const kindsMax = 8;
const absoluteRulesMax = 8;
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
};

/** Every value of a guard's configuration that is out of its range, in words; none where it is usable. */
export function guardConfigProblems(config: GuardConfig): string[] {
  const problems = [...comparativeProblems(config), ...kindProblems(config.kinds)];
  if (config.absolute.length > absoluteRulesMax) {
    problems.push(`absolute: at most ${absoluteRulesMax} rules, not ${config.absolute.length}`);
  }
  for (const [index, rule] of config.absolute.entries()) problems.push(...absoluteProblems(rule, `absolute[${index}]`));
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

function isAlpha(value: number): boolean {
  return value > 0 && value <= 0.5;
}

function isCountFromOne(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
