import type { Actor } from "@sluice/core";
import { isActive, isSluiceError, own } from "@sluice/core";
import type { Commands } from "../commands.ts";
import type { FiringBook } from "./firing-book.ts";

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
  hold(release: string, holder: Actor, reason: string): Promise<Handled>;
  /**
   * Lets go what the holder holds, and nothing else. Where something else that fires wants the release held, it holds from
   * then on.
   */
  letGo(release: string, holder: Actor, reason: string): Promise<Handled>;
}

/** Makes the hand over an origin's commands. */
export function createHand(dependencies: {
  readonly commands: Pick<Commands, "state" | "execute">;
  readonly book: Pick<FiringBook, "wantHeld">;
}): Hand {
  const { commands, book } = dependencies;
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const ran = turn.then(run);
    turn = ran.catch(() => undefined);
    return ran;
  }

  async function give(...given: Parameters<Commands["execute"]>): Promise<Handled> {
    try {
      const { decision, durable } = await commands.execute(...given);
      if (!durable && decision.kind === "unchanged") return { outcome: "done", message: decision.message };
      return decision.kind === "events"
        ? { outcome: "done", message: null }
        : { outcome: "unchanged", message: decision.message };
    } catch (error) {
      // Somebody else ended the release between the look and the command.
      if (!isSluiceError(error, "RELEASE_ENDED", "NOTHING_TO_REVERT", "RELEASE_UNKNOWN")) throw error;
      return { outcome: "unchanged", message: error.message };
    }
  }

  const hold: Hand["hold"] = (release, holder, reason) =>
    give({ by: holder, command: { type: "hold", release, cause: { reason, evidence: null } } });

  return {
    revert: (release, by, reason) =>
      give({ by, command: { type: "revert", target: { release }, cause: { reason, evidence: null } } }),
    hold: (release, holder, reason) => inTurn(() => hold(release, holder, reason)),
    letGo: (release, holder, reason) => inTurn(() => letGo(release, holder, reason)),
  };

  async function letGo(release: string, holder: Actor, reason: string): Promise<Handled> {
    if (!isHeldBy(release, holder)) return { outcome: "unchanged", message: "it is not held by this" };
    const resumed = give({ by: holder, command: { type: "resume", release, reason } });
    // Given at once, so that they stand next to each other in the log and no plan takes a step between them.
    const next = book.wantHeld(release).find((firing) => firing.holder.name !== holder.name);
    const held = next === undefined ? undefined : hold(release, next.holder, next.reason);
    const [handled] = await Promise.all([resumed, held]);
    return next === undefined ? handled : { ...handled, message: `held by ${next.holder.name} from then on` };
  }

  function isHeldBy(id: string, holder: Actor): boolean {
    const release = own(commands.state().releases, id);
    const by = release !== undefined && isActive(release) ? release.hold?.by : undefined;
    return by?.kind === holder.kind && by.name === holder.name;
  }
}
