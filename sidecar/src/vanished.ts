import { type Clock, type Event, isActive, isSluiceError, own, type ReleaseState } from "@sluice/core";
import type { FollowerInfo } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { Registry } from "./followers/registry.ts";

/** How long after a step a process that goes away is put down to it, in milliseconds. */
export const vanishedMs = 30_000;

/** More than this share of the processes that were there at the step have to be gone. */
const vanishedShare = 0.2;

/** And at least so many: one that goes away is what happens every day. */
const vanishedMin = 2;

const namesMax = 10;

/** The processes that were there at a step of a release. */
interface Watch {
  readonly thousandths: number;
  readonly sinceMs: number;
  /** By id; those that have said goodbye are taken out. */
  readonly expected: Map<string, FollowerInfo>;
  readonly lost: Map<string, FollowerInfo>;
  /** Whether it is to be held for it; a person's word to the contrary stands until the next step. */
  verdict: "none" | "hold" | "overruled";
}

/**
 * Holds a release after whose step processes vanish: a candidate that kills whoever reads it reports no failures. Counted are the
 * applications' processes that were there at the step and whose connection ended within 30 s of it, as soon as their lease has
 * ended too; who says goodbye is not lost. A restart of this instance forgets who was there.
 */
export function holdVanished(dependencies: {
  readonly commands: Pick<Commands, "state" | "execute" | "subscribe">;
  readonly registry: Pick<Registry, "live" | "subscribe">;
  readonly clock: Clock;
  /** For how long a follower counts after its connection has ended. */
  readonly leaseMs: number;
  readonly logger: Logger;
}): void {
  const { commands, registry, clock, leaseMs, logger } = dependencies;
  const watches = new Map<string, Watch>();

  function watch({ id, thousandths }: ReleaseState): void {
    const sdks = registry.live().filter(({ kind }) => kind === "sdk");
    const expected = new Map(sdks.map((follower) => [follower.id, follower]));
    watches.set(id, { thousandths, sinceMs: clock.now(), expected, lost: new Map(), verdict: "none" });
  }

  function lose(follower: FollowerInfo): void {
    // Their lease has just ended, and it began when their connection did.
    const goneAtMs = clock.now() - leaseMs;
    for (const [release, watched] of watches) {
      const { sinceMs, expected, lost } = watched;
      if (!expected.has(follower.id) || goneAtMs < sinceMs || goneAtMs > sinceMs + vanishedMs) continue;
      lost.set(follower.id, follower);
      const isMany = lost.size >= vanishedMin && lost.size > vanishedShare * expected.size;
      if (!isMany || watched.verdict !== "none") continue;
      watched.verdict = "hold";
      hold(release, watched);
    }
  }

  function hold(release: string, watched: Watch): void {
    const cause = { reason: reasonOf(watched), evidence: null };
    commands
      .execute({ by: { kind: "guard", name: "vanished" }, command: { type: "hold", release, cause } })
      .then(() =>
        logger.warn({ release, reason: cause.reason }, "processes vanished after a step; its release is held"),
      )
      .catch((error: unknown) => {
        // The next one that vanishes tries anew.
        watched.verdict = "none";
        if (isSluiceError(error, "RELEASE_ENDED", "CLOSED")) return;
        logger.error({ err: error, release }, "a release after whose step processes vanished could not be held");
      });
  }

  registry.subscribe({
    lost: lose,
    left({ id }) {
      for (const { expected } of watches.values()) expected.delete(id);
    },
  });
  commands.subscribe({
    events(events) {
      const { releases } = commands.state();
      for (const id of watches.keys()) {
        const release = own(releases, id);
        if (release === undefined || !isActive(release)) watches.delete(id);
      }
      for (const { event, by } of events) {
        if (!("release" in event) || event.release === null) continue;
        const release = own(releases, event.release);
        if (isStep(event) && release !== undefined && isActive(release)) watch(release);
        const watched = watches.get(event.release);
        if (watched?.verdict !== "hold") continue;
        if (event.type === "release-resumed" && by.kind === "person") watched.verdict = "overruled";
        // What another hold, or a guard that was off, kept from being said is said when that has ended.
        else if (event.type === "release-resumed" || event.type === "guard-on") hold(event.release, watched);
      }
    },
  });
}

function isStep({ type }: Event): boolean {
  return type === "release-started" || type === "percentage-set" || type === "release-promoted";
}

function reasonOf({ lost, expected, thousandths }: Watch): string {
  const names = [...lost.values()].map(({ name }) => name);
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : "";
  const step = `the step to ${thousandths / 1000} %`;
  return `${lost.size} of ${expected.size} processes vanished within ${vanishedMs / 1000} s of ${step}: ${names.slice(0, namesMax).join(", ")}${more}`;
}
