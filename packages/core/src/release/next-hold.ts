import { own } from "../own.ts";
import { isSameActor, takesOver } from "./decide-release.ts";
import type { DecidedEvent, Decision } from "./decision.ts";
import type { Actor, Cause } from "./event.ts";
import { evolve } from "./evolve.ts";
import type { NamespaceState, ReleaseState } from "./state.ts";
import { isActive } from "./state.ts";

/** Somebody wants a release held, whoever holds it now. */
export interface HoldWant {
  readonly by: Actor;
  readonly cause: Cause;
  /** Since when, milliseconds since the Unix epoch: of several of one rank the oldest is next. */
  readonly since: number;
}

/**
 * A decision, and the holds that follow from it: where it ends the hold of a release that goes on, whoever else wants it held holds
 * it in the same append, so that no plan takes a step in between and nobody is told that it goes on. `wantsOf` is asked for the
 * release as it stands after the decision; what its guard wants while it is off does not count.
 */
export function withNextHolds(
  state: NamespaceState,
  decision: Decision,
  nowMs: number,
  wantsOf: (release: ReleaseState) => readonly HoldWant[],
): Decision {
  if (decision.kind !== "events") return decision;
  const held = Object.values(state.releases).flatMap(({ id, hold }) => (hold === null ? [] : { id, by: hold.by }));
  if (held.length === 0) return decision;
  let after = state;
  for (const each of decision.events) after = evolve(after, { sequence: after.sequence + 1, at: nowMs, ...each });
  const next = held.flatMap(({ id, by }) => nextHold(own(after.releases, id), by, wantsOf));
  return { kind: "events", events: [...decision.events, ...next] };
}

function nextHold(
  release: ReleaseState | undefined,
  ended: Actor,
  wantsOf: (release: ReleaseState) => readonly HoldWant[],
): readonly DecidedEvent[] {
  if (release?.hold !== null || !isActive(release)) return [];
  // Whose hold has just ended was let go by a person, or has no reason to hold any more.
  const others = wantsOf(release).filter(
    ({ by }) => !isSameActor(by, ended) && (by.kind !== "guard" || release.guardOff === null),
  );
  const [first, ...rest] = others;
  if (first === undefined) return [];
  const { by, cause } = rest.reduce((a, b) => (isBefore(b, a) ? b : a), first);
  return [{ by, event: { type: "release-held", release: release.id, cause } }];
}

function isBefore(a: HoldWant, b: HoldWant): boolean {
  if (takesOver(a.by, b.by)) return true;
  return !takesOver(b.by, a.by) && a.since < b.since;
}
