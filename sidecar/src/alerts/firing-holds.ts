import type { Clock, LoggedEvent, NamespaceState, ReleaseState, Timer } from "@sluice/core";
import { isActive, isSameActor, isSluiceError, own, takesOver } from "@sluice/core";
import type { Logger } from "pino";
import type { Commands } from "../commands.ts";
import type { Firing, FiringBook } from "./firing-book.ts";
import type { Hand } from "./hand.ts";

/** Pause before a hold that the log did not take at the start is tried again, in milliseconds. */
const retryMs = 1_000;

/** How many alerts that fire and do not hold are named. */
const namedMax = 10;

/** What fires and wants a release held while it does not hold it. */
export interface FiringHolds {
  /** What alerts want of a release and do not have, a sentence each. */
  faults(release: ReleaseState): readonly string[];
  /** What is to be said after the name of a query's hold that is not in force; empty where nothing is. */
  standing(release: ReleaseState, key: string): string;
  close(): void;
}

/**
 * Keeps what fires waiting for the end of somebody else's hold. A person who ends a hold overrules its holder and nobody else; who
 * was waiting is next, in the same append. What fired before a restart and holds nothing yet does so at once.
 */
export function createFiringHolds(dependencies: {
  readonly commands: Pick<Commands, "state" | "subscribe">;
  readonly book: FiringBook;
  readonly hand: Pick<Hand, "hold">;
  readonly clock: Clock;
  readonly logger: Logger;
}): FiringHolds {
  const { commands, book, hand, clock, logger } = dependencies;
  let retry: Timer | undefined;
  let closed = false;

  function overrule({ event, by }: LoggedEvent, before: NamespaceState): void {
    if (by.kind !== "person" || (event.type !== "release-resumed" && event.type !== "release-promoted")) return;
    const holder = own(before.releases, event.release)?.hold?.by;
    if (holder?.kind === "alert") book.overrule(event.release, holder.name, by.name);
  }

  /** A process that died between the beginning of an alert and its hold has the first in the book alone. */
  function holdLeft(): void {
    for (const release of Object.values(commands.state().releases)) {
      const [first] = book.wantHeld(release.id);
      if (!isActive(release) || first === undefined) continue;
      if (release.hold !== null && !takesOver(first.holder, release.hold.by)) continue;
      hand.hold(release.id, first.holder, first.reason).catch((error: unknown) => {
        if (closed || isSluiceError(error, "CLOSED")) return;
        logger.error({ err: error, release: release.id, by: first.holder }, "a release could not be held");
        retry ??= clock.setTimer(retryMs, () => {
          retry = undefined;
          holdLeft();
        });
      });
    }
  }

  const unsubscribe = commands.subscribe({
    events(events, before) {
      for (const logged of events) overrule(logged, before);
    },
    wantsHeld: ({ id }) =>
      book.wantHeld(id).map(({ holder: by, reason, since }) => ({ by, cause: { reason, evidence: null }, since })),
  });
  holdLeft();

  return {
    faults(release) {
      const firing = [...book.wantHeld(release.id), ...book.overruled(release.id)].filter(isAlert);
      const said = firing.flatMap((each) => {
        const standing = standingOf(each, release);
        return standing === "" ? [] : [`${each.reason}${standing}`];
      });
      const more = said.length - namedMax;
      return more > 0 ? [...said.slice(0, namedMax), `and ${more} more alerts fire that do not hold it`] : said;
    },
    standing(release, key) {
      const firing = book.get(key);
      return firing === undefined ? "" : standingOf(firing, release);
    },
    close() {
      closed = true;
      retry?.cancel();
      unsubscribe();
    },
  };
}

/** A query has a key for each release, since it is asked for each. */
function isAlert({ key, holder }: Firing): boolean {
  return key === holder.name;
}

function standingOf({ holder, asked, overruledBy }: Firing, { id, hold }: ReleaseState): string {
  if (own(asked, id) === "overruled") return `; ${own(overruledBy, id) ?? "a person"} let it go on all the same`;
  if (hold === null) return "; it is not held for that yet";
  return isSameActor(hold.by, holder) ? "" : "; it is held for that when the hold in force has ended";
}
