import type { ReleaseState } from "@sluice/core";
import type { Alert } from "./alert.ts";
import type { CompiledRule } from "./rules.ts";
import { labelOf } from "./rules.ts";

/** What the rules of a release's plan say of an alert. */
export type Verdict =
  | { readonly kind: "match"; readonly rule: CompiledRule }
  /** `misses`: of each rule what keeps it from matching. */
  | { readonly kind: "miss"; readonly misses: string }
  /** There were too many steps in its message. */
  | { readonly kind: "not-compared" };

/** What is to be known of a release. */
export type Compared = Pick<ReleaseState, "id" | "dataset" | "plan">;

/** Says of an alert and a release what came of comparing them. */
export type VerdictOf = (alert: Alert, release: Compared) => Verdict;

/** Compares alerts with the rules of what runs or bakes. */
export interface Comparer {
  /**
   * Compares each alert that fires with each release, then gives the verdicts to `then` in the same turn: nothing has begun or
   * ended since. Whoever waits for this thread has it in between.
   */
  compare<T>(alerts: readonly Alert[], then: (verdictOf: VerdictOf) => T): Promise<T>;
}

/**
 * How many steps the alerts of one message are compared in, at most. A step takes 1 to 90 ns, by what an expression repeats: 9 s at
 * worst, in many turns.
 */
export const messageStepsMax = 100_000_000;

/** After so many steps others have their turn. A release and an alert take 500,000 at most, which is 45 ms at worst. */
const turnStepsMax = 200_000;

/** How long a label's value may be in a reason, in characters. */
const shownMax = 100;

/** Makes a comparer. */
export function createComparer(dependencies: {
  /** What runs or bakes now. */
  readonly active: () => readonly Compared[];
  readonly rulesOf: (release: Compared) => readonly CompiledRule[];
  readonly yieldNow: () => Promise<void>;
}): Comparer {
  const { active, rulesOf, yieldNow } = dependencies;

  return {
    async compare(alerts, then) {
      const fires = alerts.filter(({ status, direct }) => status === "firing" && direct === null);
      const verdicts = new Map(fires.map((alert) => [alert, new Map<string, Verdict>()]));
      const compared = new Set<string>();
      let running: ReadonlySet<string> = new Set();
      const look = (): void => void (running = new Set(active().map(({ id }) => id)));
      const turn = createTurn(async () => {
        await yieldNow();
        look();
      });
      for (;;) {
        const releases = active().filter(({ id }) => !compared.has(id));
        if (releases.length === 0) break;
        look();
        const ready = releases.map((release) => ({ id: release.id, rules: rulesOf(release) }));
        for (const [alert, of] of verdicts) {
          for (const { id, rules } of ready) {
            if (!running.has(id)) continue;
            const steps = rules.reduce((sum, rule) => sum + rule.stepsMax(alert.labels), 0);
            of.set(id, (await turn.take(steps)) ? verdictOf(rules, alert) : notCompared);
          }
        }
        for (const { id } of releases) compared.add(id);
      }
      return then((alert, { id }) => verdicts.get(alert)?.get(id) ?? notCompared);
    },
  };
}

const notCompared: Verdict = { kind: "not-compared" };

/** Counts steps, lets others have their turn, and says no where a message has had all of its own. */
function createTurn(yieldNow: () => Promise<void>): { take(steps: number): Promise<boolean> | boolean } {
  let left = messageStepsMax;
  let inTurn = 0;

  async function afterOthers(steps: number): Promise<boolean> {
    await yieldNow();
    inTurn = steps;
    return true;
  }

  return {
    take(steps) {
      if (steps > left) return false;
      left -= steps;
      inTurn += steps;
      return inTurn > turnStepsMax ? afterOthers(steps) : true;
    },
  };
}

/** `revert` outranks `hold`. */
function verdictOf(rules: readonly CompiledRule[], { labels }: Alert): Verdict {
  const compared = rules.map((rule) => ({ rule, missed: rule.problem === null ? rule.miss(labels) : null }));
  const matching = compared.filter(({ rule, missed }) => rule.problem === null && missed === null);
  const match = matching.find(({ rule }) => rule.action === "revert") ?? matching[0];
  if (match !== undefined) return { kind: "match", rule: match.rule };
  const misses = compared.map(({ rule, missed }) => {
    if (rule.problem !== null) return rule.problem.reason;
    if (missed === null) return "";
    const value = labelOf(labels, missed.label);
    const unread = missed.isTooLong(value) ? `, which is too long for it: ${value.length} characters` : "";
    return `${missed.text} against ${shown(value)}${unread}`;
  });
  return { kind: "miss", misses: misses.join("; ") };
}

function shown(value: string): string {
  return JSON.stringify(value.length > shownMax ? `${value.slice(0, shownMax)}…` : value);
}
