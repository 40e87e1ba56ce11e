import type { Clock, LoggedEvent, NamespaceState } from "@sluice/core";
import { own } from "@sluice/core";
import { createElapsed } from "../elapsed.ts";

/** For how long guards are off by a person's word, whatever becomes of the log. */
export interface GuardOff {
  /** The state has moved by these events. */
  follow(state: NamespaceState, events: readonly LoggedEvent[]): void;
  /** Whether the guard of a release is off now. */
  isOff(state: NamespaceState, release: string): boolean;
}

/**
 * The log says when a guard was turned off and until when; that it is on again becomes an event when the log takes one. A guard that
 * waited for that would watch a candidate fail for as long as the store is away.
 */
export function createGuardOff(clock: Clock, initial: NamespaceState): GuardOff {
  const elapsed = createElapsed(clock, ({ guardOff }) => guardOff?.at ?? null);
  elapsed(initial);
  return {
    follow(state, events) {
      // Asked at once, so that a wall clock that is set afterwards changes nothing.
      if (events.some(({ event }) => event.type === "guard-off")) elapsed(state);
    },
    isOff(state, release) {
      const guardOff = own(state.releases, release)?.guardOff ?? null;
      if (guardOff === null) return false;
      const elapsedMs = own(elapsed(state), release)?.elapsedMs ?? 0;
      return elapsedMs < guardOff.until - guardOff.at;
    },
  };
}
