import {
  type Actor,
  type Clock,
  isActive,
  isSameActor,
  isSluiceError,
  own,
  type ReleaseState,
  takesOver,
  type Timer,
} from "@sluice/core";
import type { Logger } from "pino";
import type { Commands, Executed } from "./commands.ts";

/** Pause before a hold that the log did not take is tried again by itself, in milliseconds. */
const retryMs = 1_000;

/** Holds of one actor that stand until a person ends them: what somebody else's hold is in the way of is held when that ends. */
export interface StandingHolds {
  /**
   * Holds an active release, now or as soon as nobody else does. Changes nothing where a person has ended this actor's hold of it
   * at the percentage step `sinceEpoch` or later.
   */
  want(release: string, reason: string, sinceEpoch: number): void;
  /** What was wanted of a release is not any more; a hold in force stays. */
  forget(release: string): void;
  /** What is wanted of a dataset's release and not in force, a sentence each. */
  faults(dataset: string): readonly string[];
  close(): void;
}

interface Want {
  readonly reason: string;
  readonly sinceEpoch: number;
  /** By the wall clock. */
  readonly since: number;
}

/** Makes the holds of `by`, none at first. */
export function createStandingHolds(dependencies: {
  readonly commands: Pick<Commands, "state" | "execute" | "subscribe">;
  readonly by: Actor;
  readonly clock: Clock;
  readonly logger: Logger;
}): StandingHolds {
  const { commands, by, clock, logger } = dependencies;
  const wants = new Map<string, Want>();
  /** A command is on its way. */
  const giving = new Set<string>();
  /** The log did not take the last one. */
  const failing = new Set<string>();
  let retry: Timer | undefined;

  const isOwn = (its: Actor): boolean => isSameActor(its, by);
  const isGuardOff = ({ guardOff }: ReleaseState): boolean => by.kind === "guard" && guardOff !== null;

  /** Follows from the state alone, so that no order of events can lose it. */
  function look(id: string): void {
    const want = wants.get(id);
    if (want === undefined || giving.has(id)) return;
    const release = own(commands.state().releases, id);
    if (release === undefined || !isActive(release) || isOverruled(release, want.sinceEpoch)) {
      forget(id);
      return;
    }
    const { hold } = release;
    if (isGuardOff(release) || (hold !== null && !takesOver(by, hold.by))) return;
    give(id, want);
  }

  function isOverruled({ overruled }: ReleaseState, sinceEpoch: number): boolean {
    return overruled.some((each) => isOwn(each.by) && each.epoch >= sinceEpoch);
  }

  function give(release: string, { reason }: Want): void {
    giving.add(release);
    commands
      .execute({ by, command: { type: "hold", release, cause: { reason, evidence: null } } })
      .then((executed) => given(release, reason, executed))
      .catch((error: unknown) => {
        giving.delete(release);
        if (isSluiceError(error, "CLOSED")) return;
        if (isSluiceError(error, "RELEASE_ENDED", "RELEASE_UNKNOWN")) {
          forget(release);
          return;
        }
        if (!failing.has(release)) logger.error({ err: error, release, by, reason }, "a release could not be held");
        failing.add(release);
        retry ??= clock.setTimer(retryMs, () => {
          retry = undefined;
          for (const id of failing) look(id);
        });
      });
  }

  function given(release: string, reason: string, { decision }: Executed): void {
    giving.delete(release);
    failing.delete(release);
    if (decision.kind === "events") logger.warn({ release, by, reason }, "a release is held");
    else logger.info({ release, by, reason }, "a release is to be held when the hold in force has ended");
    // Somebody may have let go between the decision and its answer.
    look(release);
  }

  function forget(release: string): void {
    wants.delete(release);
    failing.delete(release);
  }

  function faultOf(release: ReleaseState, { reason, sinceEpoch }: Want): string[] {
    const { hold } = release;
    if (!isActive(release) || isOverruled(release, sinceEpoch) || (hold !== null && isOwn(hold.by))) return [];
    if (isGuardOff(release)) return [`${reason}; it is held for that when the guard is on again`];
    if (hold !== null) return [`${reason}; it is held for that when the hold in force has ended`];
    return failing.has(release.id) ? [`${reason}; it is not held for that yet: the store does not take it`] : [];
  }

  const unsubscribe = commands.subscribe({
    events() {
      for (const id of wants.keys()) look(id);
    },
    wantsHeld(release) {
      const want = wants.get(release.id);
      if (want === undefined || isOverruled(release, want.sinceEpoch)) return [];
      return [{ by, cause: { reason: want.reason, evidence: null }, since: want.since }];
    },
  });

  return {
    want(release, reason, sinceEpoch) {
      wants.set(release, { reason, sinceEpoch, since: wants.get(release)?.since ?? clock.wall() });
      look(release);
    },
    forget,
    faults(dataset) {
      const { releases } = commands.state();
      return [...wants].flatMap(([id, want]) => {
        const release = own(releases, id);
        return release?.dataset === dataset ? faultOf(release, want) : [];
      });
    },
    close() {
      retry?.cancel();
      unsubscribe();
    },
  };
}
