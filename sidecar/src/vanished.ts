import { type Clock, type Event, isActive, isSameActor, own, type ReleaseState } from "@sluice/core";
import type { FollowerInfo } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { Registry } from "./followers/registry.ts";
import { createStandingHolds, type StandingHolds } from "./standing-holds.ts";

/** How long after a step a process that goes away is put down to it, in milliseconds. */
export const vanishedMs = 30_000;

/** More than this share of the processes that were there at the step have to be gone. */
const vanishedShare = 0.2;

/** And at least so many: one that goes away is what happens every day. */
const vanishedMin = 2;

const namesMax = 10;

/** By whom a release is held for it. */
const by = { kind: "guard", name: "vanished" } as const;

/** The processes that were there at a step of a release. */
interface Watch {
  readonly thousandths: number;
  readonly epoch: number;
  readonly sinceMs: number;
  /** By id; those that have said goodbye are taken out. */
  readonly expected: Map<string, FollowerInfo>;
  readonly lost: Map<string, FollowerInfo>;
}

/**
 * Holds a release after whose step processes vanish: a candidate that kills whoever reads it reports no failures. Counted are the
 * applications' processes that were there at the step and whose connection ended within 30 s of it, as soon as their lease has
 * ended too; who says goodbye is not lost. A restart of this instance forgets who was there.
 *
 * A person who ends that very hold is not asked again until the next step; one who ends another hold has not said a word on it.
 */
export function holdVanished(dependencies: {
  readonly commands: Pick<Commands, "state" | "execute" | "subscribe">;
  readonly registry: Pick<Registry, "live" | "subscribe">;
  readonly clock: Clock;
  /** For how long a follower counts after its connection has ended. */
  readonly leaseMs: number;
  readonly logger: Logger;
}): Pick<StandingHolds, "faults" | "close"> {
  const { commands, registry, clock, leaseMs } = dependencies;
  const holds = createStandingHolds({ ...dependencies, by });
  const watches = new Map<string, Watch>();

  function watch({ id, thousandths, epoch }: ReleaseState): void {
    const sdks = registry.live().filter(({ kind }) => kind === "sdk");
    const expected = new Map(sdks.map((follower) => [follower.id, follower]));
    watches.set(id, { thousandths, epoch, sinceMs: clock.now(), expected, lost: new Map() });
  }

  function lose(follower: FollowerInfo): void {
    // Their lease has just ended, and it began when their connection did.
    const goneAtMs = clock.now() - leaseMs;
    for (const [release, watched] of watches) {
      const { sinceMs, expected, lost } = watched;
      if (!expected.has(follower.id) || goneAtMs < sinceMs || goneAtMs > sinceMs + vanishedMs) continue;
      lost.set(follower.id, follower);
      const isMany = lost.size >= vanishedMin && lost.size > vanishedShare * expected.size;
      if (isMany) holds.want(release, reasonOf(watched), watched.epoch);
    }
  }

  registry.subscribe({
    lost: lose,
    left({ id }) {
      for (const { expected } of watches.values()) expected.delete(id);
    },
  });
  commands.subscribe({
    events(events, before) {
      const { releases } = commands.state();
      for (const id of watches.keys()) {
        const release = own(releases, id);
        if (release === undefined || !isActive(release)) watches.delete(id);
      }
      for (const { event } of events) {
        if (!isStep(event)) continue;
        // A step over this very hold is a person's word on it.
        const holder = own(before.releases, event.release)?.hold?.by;
        if (holder !== undefined && isSameActor(holder, by)) holds.forget(event.release);
        const release = own(releases, event.release);
        if (release !== undefined && isActive(release)) watch(release);
      }
    },
  });

  return holds;
}

type Step = Extract<Event, { type: "release-started" | "percentage-set" | "release-promoted" }>;

function isStep(event: Event): event is Step {
  return event.type === "release-started" || event.type === "percentage-set" || event.type === "release-promoted";
}

function reasonOf({ lost, expected, thousandths }: Watch): string {
  const names = [...lost.values()].map(({ name }) => name);
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : "";
  const step = `the step to ${thousandths / 1000} %`;
  return `${lost.size} of ${expected.size} processes vanished within ${vanishedMs / 1000} s of ${step}: ${names.slice(0, namesMax).join(", ")}${more}`;
}
