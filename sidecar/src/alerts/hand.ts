import type { Actor, LoggedEvent } from "@sluice/core";
import { isActive, isSameActor, isSluiceError, own } from "@sluice/core";
import type { Commands } from "../commands.ts";

/** What came of a command: `unchanged` says what was so already. */
export interface Handled {
  readonly outcome: "done" | "unchanged";
  readonly message: string | null;
}

/**
 * What alerts and queries do to a release. Reverts go at once, the others one after another, so that the end of an alert meets
 * the hold of its beginning. Each throws what keeps the command from being carried out.
 */
export interface Hand {
  revert(release: string, by: Actor, reason: string): Promise<Handled>;
  /** Where somebody else holds whom it does not outrank, it holds when that has ended: see `FiringHolds`. */
  hold(release: string, holder: Actor, reason: string): Promise<Handled>;
  /** Lets go what the holder holds, and nothing else; says who holds from then on, where somebody else wants it held. */
  letGo(release: string, holder: Actor, reason: string): Promise<Handled>;
}

/** Makes the hand over an origin's commands. */
export function createHand(dependencies: { readonly commands: Pick<Commands, "state" | "execute"> }): Hand {
  const { commands } = dependencies;
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const ran = turn.then(run);
    turn = ran.catch(() => undefined);
    return ran;
  }

  async function give(...given: Parameters<Commands["execute"]>): Promise<Handled> {
    try {
      const { decision, events, durable } = await commands.execute(...given);
      if (!durable && decision.kind === "unchanged") return { outcome: "done", message: decision.message };
      return decision.kind === "events"
        ? { outcome: "done", message: nextHolderText(events) }
        : { outcome: "unchanged", message: decision.message };
    } catch (error) {
      // Somebody else ended the release between the look and the command.
      if (!isSluiceError(error, "RELEASE_ENDED", "NOTHING_TO_REVERT", "RELEASE_UNKNOWN")) throw error;
      return { outcome: "unchanged", message: error.message };
    }
  }

  async function hold(release: string, holder: Actor, reason: string): Promise<Handled> {
    const handled = await give({ by: holder, command: { type: "hold", release, cause: { reason, evidence: null } } });
    const by = handled.outcome === "done" ? undefined : holderOf(release);
    if (by === undefined) return handled;
    // It was next when the hold before it ended, and that was while this one was on its way.
    if (isSameActor(by, holder)) return { outcome: "done", message: null };
    return { ...handled, message: `${handled.message}; it is held for this when that hold has ended` };
  }

  return {
    revert: (release, by, reason) =>
      give({ by, command: { type: "revert", target: { release }, cause: { reason, evidence: null } } }),
    hold: (release, holder, reason) => inTurn(() => hold(release, holder, reason)),
    letGo: (release, holder, reason) => inTurn(() => letGo(release, holder, reason)),
  };

  async function letGo(release: string, holder: Actor, reason: string): Promise<Handled> {
    const by = holderOf(release);
    if (by === undefined || !isSameActor(by, holder))
      return { outcome: "unchanged", message: "it is not held by this" };
    return give({ by: holder, command: { type: "resume", release, reason } });
  }

  function holderOf(id: string): Actor | undefined {
    const release = own(commands.state().releases, id);
    return release !== undefined && isActive(release) ? release.hold?.by : undefined;
  }
}

/** Who holds since the hold before it ended in the same append. */
function nextHolderText(events: readonly LoggedEvent[]): string | null {
  const isEnded = events.some(({ event }) => event.type === "release-resumed");
  const next = events.findLast(({ event }) => event.type === "release-held");
  return isEnded && next !== undefined ? `held by ${next.by.name} from then on` : null;
}
