import type { NamespaceState, ReleaseState } from "@sluice/core";
import { activeRelease, isActive, own, SluiceError } from "@sluice/core";
import type { Alert } from "./alert.ts";
import type { Verdict } from "./comparison.ts";
import { messageStepsMax } from "./comparison.ts";

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
  /** Whether it was compared with everything. */
  readonly isWhole: boolean;
}

const tooMany = `not compared with the rules of its plan: the alerts of a message are compared in at most ${messageStepsMax} steps (characters times the sizes of the expressions); send fewer in one, or shorten the expressions`;

/**
 * By how much an alert may have begun before the release that it is about, in milliseconds: the clocks of Prometheus and of the
 * origin are two.
 */
const clockSkewMsMax = 60_000;

/**
 * Whom an alert concerns among what runs or bakes: by the rules of each release's plan, where `revert` outranks `hold`, or the one
 * dataset that it names itself. A release that was started while it fired already is not what it is about. Throws DATASET_UNKNOWN for a name that is none.
 */
export function judge(state: NamespaceState, alert: Alert, verdictOf: (release: ReleaseState) => Verdict): Judgement {
  if (alert.direct !== null) return judgeDirect(state, alert.direct);
  const active = Object.values(state.releases).filter(isActive);
  const concerns: Concern[] = [];
  const reasons: string[] = active.length === 0 ? ["nothing runs or bakes"] : [];
  let isWhole = true;
  for (const release of active) {
    const verdict = verdictOf(release);
    if (verdict.kind === "not-compared") {
      isWhole = false;
      reasons.push(`${nameOf(release)}: ${tooMany}`);
    } else if (verdict.kind === "miss") {
      reasons.push(`${nameOf(release)}: no rule of its plan matches (${verdict.misses})`);
    } else if (isBefore(alert, release)) reasons.push(earlierThan(release, alert));
    else concerns.push({ release, action: verdict.rule.action, rule: verdict.rule.text });
  }
  return { concerns, reasons, isWhole };
}

function judgeDirect(state: NamespaceState, { dataset, action }: NonNullable<Alert["direct"]>): Judgement {
  if (own(state.datasets, dataset) === undefined) {
    throw new SluiceError("DATASET_UNKNOWN", `there is no dataset ${dataset}`, {
      details: { datasets: Object.keys(state.datasets).slice(0, 20) },
    });
  }
  const release = activeRelease(state, dataset);
  return release === undefined
    ? { concerns: [], reasons: [`nothing runs or bakes on ${dataset}`], isWhole: true }
    : { concerns: [{ release, action, rule: null }], reasons: [], isWhole: true };
}

/** Its sender says since when it fires, and that was before. */
function isBefore({ startsAt }: Alert, { startedAt }: ReleaseState): boolean {
  return startsAt !== null && Date.parse(startsAt) < startedAt - clockSkewMsMax;
}

function earlierThan(release: ReleaseState, { startsAt }: Alert): string {
  const started = new Date(release.startedAt).toISOString();
  return `${nameOf(release)} was started at ${started}, after this began to fire (${startsAt}): it is not what this is about`;
}

/** A release as people call it. */
function nameOf({ candidatePublish, dataset }: ReleaseState): string {
  return `v${candidatePublish} of ${dataset}`;
}
