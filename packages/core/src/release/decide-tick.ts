import type { GuardEvidence } from "../guard/verdict.ts";
import { own } from "../own.ts";
import type { Command, Elapsed } from "./command.ts";
import type { DecidedEvent, Decision } from "./decision.ts";
import { percentText, unchanged } from "./decision.ts";
import type { Event } from "./event.ts";
import { everybodyThousandths, holdMsAt, nextStep } from "./plan.ts";
import type { NamespaceState, ReleaseState } from "./state.ts";
import { isActive } from "./state.ts";

/** What the shell knows of one release at a tick. */
interface Look {
  /** For how long it has stood at its step. */
  readonly elapsedMs: number;
  /** Of the promotion test where it is open at this very step. */
  readonly proof: GuardEvidence | null;
}

/**
 * What time, and the evidence that came with it, bring: each automatic release takes at most one step, so that an origin that
 * slept jumps over none.
 */
export function decideTick(state: NamespaceState, tick: Extract<Command, { type: "tick" }>, nowMs: number): Decision {
  const list: DecidedEvent[] = [];
  for (const release of Object.values(state.releases)) {
    if (!isActive(release)) continue;
    const by = { kind: "plan", name: release.id } as const;
    const proven = own(tick.proven ?? {}, release.id);
    const look: Look = {
      elapsedMs: elapsedOf(own(tick.elapsed ?? {}, release.id), release.stepSince, nowMs),
      proof: proven?.epoch === release.epoch ? proven.evidence : null,
    };
    for (const event of eventsOf(release, look, own(tick.guardOff ?? {}, release.id), nowMs)) list.push({ by, event });
  }
  return list.length === 0 ? unchanged("nothing is due") : { kind: "events", events: list };
}

function elapsedOf(known: Elapsed | undefined, since: number, nowMs: number): number {
  return known?.stepSince === since ? known.elapsedMs : nowMs - since;
}

function eventsOf(release: ReleaseState, look: Look, off: Elapsed | undefined, nowMs: number): readonly Event[] {
  const { id, phase, guardOff, hold } = release;
  if (guardOff !== null) {
    const isOver = elapsedOf(off, guardOff.at, nowMs) >= guardOff.until - guardOff.at;
    // A plan that went on while nobody watches would be worse than one that waits; a bake has no step left to take.
    if (isOver) return [{ type: "guard-on", release: id, reason: "its time is over" }];
    if (phase === "running") return [];
  }
  if (hold?.by.kind === "plan") return proceedProven(release, look);
  if (hold !== null) return [];
  if (phase === "baking") {
    return look.elapsedMs >= release.plan.bakeMs ? [{ type: "release-completed", release: id }] : [];
  }
  return stepOf(release, look);
}

/** What the plan held for want of evidence goes on with it. */
function proceedProven(release: ReleaseState, { proof }: Look): readonly Event[] {
  if (proof === null) return [];
  const reason = "the promotion test has opened";
  return [{ type: "release-resumed", release: release.id, reason }, stepEvent(release, reason, proof)];
}

function stepOf(release: ReleaseState, { elapsedMs, proof }: Look): readonly Event[] {
  const { plan, thousandths } = release;
  const holdMs = holdMsAt(plan, thousandths);
  if (!plan.automatic || elapsedMs < holdMs) return [];
  if (plan.promotion === null) return [stepEvent(release, "the plan's next step", null)];
  if (proof !== null) return [stepEvent(release, "the plan's next step: the promotion test is open", proof)];
  if (elapsedMs < holdMs + plan.promotion.waitMaxMs) return [];
  if (plan.promotion.otherwise === "proceed") {
    return [stepEvent(release, "the plan's next step, although the promotion test has not opened in time", null)];
  }
  const reason = `the promotion test has not opened at ${percentText(thousandths)}: too few requests that read a difference have shown that the candidate is not worse`;
  return [{ type: "release-held", release: release.id, cause: { reason, evidence: null } }];
}

/** The step after the one that a release stands at; after the last one everybody. */
export function stepEvent(
  { id, plan, thousandths }: ReleaseState,
  reason: string,
  evidence: GuardEvidence | null,
): Event {
  const step = nextStep(plan, thousandths)?.thousandths ?? everybodyThousandths;
  return step === everybodyThousandths
    ? { type: "release-promoted", release: id, reason, evidence }
    : { type: "percentage-set", release: id, thousandths: step, reason, evidence };
}
