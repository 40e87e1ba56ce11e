import type { NamespaceState, ReleaseState } from "@sluice/core";
import { activeRelease, isActive, own, SluiceError } from "@sluice/core";
import type { Alert } from "./alert.ts";
import type { CompiledRule } from "./rules.ts";
import { labelOf } from "./rules.ts";

/** A release that an alert concerns, and what it asks for. */
export interface Concern {
  readonly release: ReleaseState;
  readonly action: "revert" | "hold";
  /** The matchers of the rule that says so; null where the alert does. */
  readonly rule: string | null;
}

/** Whom an alert concerns, and why it does not concern the others. */
export interface Judgement {
  readonly concerns: readonly Concern[];
  readonly reasons: readonly string[];
}

/** How long a label's value may be in a reason, in characters. */
const shownMax = 100;

/**
 * By how much an alert may have begun before the release that it is about, in milliseconds: the clocks of Prometheus and of the
 * origin are two.
 */
const clockSkewMsMax = 60_000;

/**
 * Whom an alert concerns among what runs or bakes: by the rules of each release's plan, where `revert` outranks `hold`, or the one
 * dataset that it names itself. A release that was started while it fired already is not what it is about. Throws DATASET_UNKNOWN for a name that is none.
 */
export function judge(
  state: NamespaceState,
  alert: Alert,
  rulesOf: (release: ReleaseState) => readonly CompiledRule[],
): Judgement {
  if (alert.direct !== null) return judgeDirect(state, alert.direct);
  const active = Object.values(state.releases).filter(isActive);
  const concerns: Concern[] = [];
  const reasons: string[] = active.length === 0 ? ["nothing runs or bakes"] : [];
  for (const release of active) {
    const rules = rulesOf(release);
    const matching = rules.filter((rule) => rule.problem === null && rule.miss(alert.labels) === null);
    const rule = matching.find(({ action }) => action === "revert") ?? matching[0];
    if (rule === undefined) reasons.push(`${nameOf(release)}: ${missesOf(rules, alert)}`);
    else if (isBefore(alert, release)) reasons.push(earlierThan(release, alert));
    else concerns.push({ release, action: rule.action, rule: rule.text });
  }
  return { concerns, reasons };
}

function judgeDirect(state: NamespaceState, { dataset, action }: NonNullable<Alert["direct"]>): Judgement {
  if (own(state.datasets, dataset) === undefined) {
    throw new SluiceError("DATASET_UNKNOWN", `there is no dataset ${dataset}`, {
      details: { datasets: Object.keys(state.datasets).slice(0, 20) },
    });
  }
  const release = activeRelease(state, dataset);
  return release === undefined
    ? { concerns: [], reasons: [`nothing runs or bakes on ${dataset}`] }
    : { concerns: [{ release, action, rule: null }], reasons: [] };
}

/** Its sender says since when it fires, and that was before. */
function isBefore({ startsAt }: Alert, { startedAt }: ReleaseState): boolean {
  return startsAt !== null && Date.parse(startsAt) < startedAt - clockSkewMsMax;
}

function earlierThan(release: ReleaseState, { startsAt }: Alert): string {
  const started = new Date(release.startedAt).toISOString();
  return `${nameOf(release)} was started at ${started}, after this began to fire (${startsAt}): it is not what this is about`;
}

function missesOf(rules: readonly CompiledRule[], { labels }: Alert): string {
  const misses = rules.map((rule) => {
    if (rule.problem !== null) return rule.problem.reason;
    const missed = rule.miss(labels);
    return missed === null ? "" : `${missed.text} against ${shown(labelOf(labels, missed.label))}`;
  });
  return `no rule of its plan matches (${misses.join("; ")})`;
}

function shown(value: string): string {
  return JSON.stringify(value.length > shownMax ? `${value.slice(0, shownMax)}…` : value);
}

/** A release as people call it. */
function nameOf({ candidatePublish, dataset }: ReleaseState): string {
  return `v${candidatePublish} of ${dataset}`;
}
