import type { GuardConfig } from "../guard/config.ts";
import { defaultGuardConfig } from "../guard/config.ts";

/** All users, in thousandths of a percent. */
export const everybodyThousandths = 100_000;

/** One step of a plan. */
export interface PlanStep {
  /** Percentage in integer thousandths, 0 to 100,000. */
  readonly thousandths: number;
  /** How long an automatic plan stays on this step before the next, in milliseconds. */
  readonly holdMs: number;
}

/** An alert that concerns a plan. */
export interface AlertRule {
  /** Alertmanager matcher syntax, all of which must match: `service=~"checkout|cart"`, `severity="page"`. */
  readonly matchers: readonly string[];
  readonly action: "revert" | "hold";
}

/** A question that the origin asks a Prometheus itself while a release runs or bakes. */
export interface QueryRule {
  /** What people know it by; each one once in a plan. */
  readonly name: string;
  /** PromQL; it fires where the answer is a vector that is not empty, or a scalar other than 0. */
  readonly expression: string;
  /** For how long it has to fire before it acts, in milliseconds. */
  readonly forMs: number;
  readonly action: "revert" | "hold";
  /** What to do while nobody answers it. */
  readonly unanswered: "hold" | "ignore";
}

/** What an automatic plan does with the guard's promotion test. */
export interface PromotionRule {
  /** How long a step waits for the test to open after its hold is over, in milliseconds. */
  readonly waitMaxMs: number;
  /** What happens when it has not opened by then. */
  readonly otherwise: "hold" | "proceed";
}

/** How a release walks from its first percentage to everybody. */
export interface Plan {
  /** Ascending percentages; after the last one's hold everybody sees the candidate and the bake begins. */
  readonly steps: readonly PlanStep[];
  /** Whether steps follow each other by themselves. */
  readonly automatic: boolean;
  /** How long, after everybody sees the candidate, the previous version stays warm and alerts still revert, in milliseconds. */
  readonly bakeMs: number;
  readonly guard: GuardConfig;
  /** Which alerts revert or hold. Empty: those with the label `sluice_dataset` naming the dataset revert. */
  readonly alerts: readonly AlertRule[];
  readonly queries: readonly QueryRule[];
  /** An automatic plan takes a step only when the promotion test allows it; null: by time alone. */
  readonly promotion: PromotionRule | null;
  /** Applications whose refusal of a candidate reverts it; any other one's holds it. */
  readonly requiredApps: readonly string[];
}

/**
 * 1, 5, 25 and 50 percent by itself, at least ten minutes each and when the promotion test allows it, then everybody and a bake
 * of half an hour.
 */
export const defaultPlan: Plan = {
  steps: [
    { thousandths: 1_000, holdMs: 600_000 },
    { thousandths: 5_000, holdMs: 600_000 },
    { thousandths: 25_000, holdMs: 600_000 },
    { thousandths: 50_000, holdMs: 600_000 },
  ],
  automatic: true,
  bakeMs: 1_800_000,
  guard: defaultGuardConfig,
  alerts: [],
  queries: [],
  promotion: { waitMaxMs: 3_600_000, otherwise: "hold" },
  requiredApps: [],
};

/** The plan's first step above a percentage; undefined where the next is everybody. */
export function nextStep(plan: Plan, thousandths: number): PlanStep | undefined {
  return plan.steps.find((step) => step.thousandths > thousandths && step.thousandths < everybodyThousandths);
}

/**
 * How long an automatic plan stays at a percentage: the hold of the highest step that is not above it. Below the first step it is
 * that one's: who starts there wants to see it, and a plan without patience would be on its first step within a tick.
 */
export function holdMsAt({ steps }: Plan, thousandths: number): number {
  const step = steps.findLast((each) => each.thousandths <= thousandths) ?? steps[0];
  return step?.holdMs ?? 0;
}
