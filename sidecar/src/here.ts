import type { Actor, Clock, NamespaceState, ReleaseState, Timer } from "@sluice/core";
import { activeRelease, isActive, own, SluiceError } from "@sluice/core";
import type { CommandAnswer, HereRevert, HereReverts } from "@sluice/core/api";
import type { Logger } from "pino";
import type { LiveFollower } from "./followers/registry.ts";
import { hereStatusOf } from "./here-status.ts";
import type { Receipts } from "./receipts.ts";

/** A disk that does not take it is tried again this often, in milliseconds; it is in effect meanwhile. */
const keepRetryMs = 1_000;

/** What this host takes back for itself while everybody else goes on. */
export interface Here {
  /**
   * New views on this instance, and on all who follow it, read the stable line of what runs or bakes on a dataset, at once. Ends when
   * the disk has it. Throws DATASET_UNKNOWN, NOT_READY where nothing is known here, NOTHING_TO_REVERT.
   */
  revert(dataset: string, by: Actor, reason: string): Promise<CommandAnswer>;
  /**
   * Ends that: they see the release like everybody else. Throws DATASET_UNKNOWN, NOT_READY, and NOTHING_TO_REVERT with the names of the
   * hosts where it is to be given, where it is reverted on others and not on this one.
   */
  lift(dataset: string, by: Actor, reason: string): Promise<CommandAnswer>;
  /** A follower says what it has heard of hosts: of this one it may know what a restart has forgotten. */
  heard(hosts: readonly HereReverts[]): void;
  close(): void;
}

/** What is needed of the instance that it is about. */
export interface HereDependencies {
  /** What people know this instance by. Two that stand for one host must have two names. */
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly receipts: Pick<Receipts, "open" | "get" | "kept">;
  readonly state: () => NamespaceState;
  /** Why nothing is known here yet; null where the state is that of a log. */
  readonly silence: () => string | null;
  /** Whether a release is taken back for everybody already. */
  readonly marked: (release: string) => boolean;
  /** How far that has got, where it is not everywhere; default null. */
  readonly reach?: (release: string) => string | null;
  /** What every host has taken back for itself, as far as it is known here. */
  readonly hosts: () => readonly HereReverts[];
  /** Those who follow, and what they have heard of hosts. */
  readonly followers: () => readonly LiveFollower[];
  /** Puts it into effect at once and ends when the disk has it. Throws DISK_FULL or STORE_UNAVAILABLE. */
  readonly take: (hosts: readonly HereReverts[]) => Promise<void>;
  /** Whether there is a disk at all. */
  readonly outlivesProcess: boolean;
  /** Whom it concerns of those who follow; default all. */
  readonly concerns?: (follower: LiveFollower) => boolean;
}

/** Speaks for one host. Decides on what is known here alone: the origin may be gone. */
export function createHere(dependencies: HereDependencies): Here {
  const { host, clock, logger, receipts, state, silence, marked, hosts, take, outlivesProcess } = dependencies;
  let retry: Timer | undefined;
  let closed = false;

  const mine = (): HereReverts => hosts().find((its) => its.host === host) ?? { host, version: 0, reverts: [] };

  /** Others' words on this host, from before a restart that forgot, have lower numbers. */
  const next = (reverts: readonly HereRevert[]): HereReverts => ({
    host,
    version: Math.max(mine().version + 1, Math.floor(clock.wall())),
    reverts,
  });

  /** Those that still matter. */
  const active = (): readonly HereRevert[] =>
    mine().reverts.filter(({ release }) => {
      const known = own(state().releases, release);
      return known === undefined || isActive(known);
    });

  function releaseOf(dataset: string): ReleaseState | undefined {
    if (own(state().datasets, dataset) === undefined) {
      const why = silence();
      throw why === null
        ? new SluiceError("DATASET_UNKNOWN", `there is no dataset ${dataset}`)
        : new SluiceError("NOT_READY", `nothing is known of ${dataset} here: ${why}`);
    }
    return activeRelease(state(), dataset);
  }

  /** Takes it into effect. Where the disk fails it is tried again until it does not. */
  async function put(action: "here-revert" | "here-lift", release: string, its: HereReverts): Promise<boolean> {
    receipts.open({ action, release, sequence: null, here: its }, dependencies.concerns);
    if (await kept(its)) {
      receipts.kept(release, action);
      return true;
    }
    const again = (): void => {
      retry = clock.setTimer(keepRetryMs, () => {
        if (closed) return;
        void kept(mine()).then((isKept) => (isKept ? receipts.kept(release, action) : again()));
      });
    };
    retry?.cancel();
    again();
    return false;
  }

  async function kept(its: HereReverts): Promise<boolean> {
    try {
      await take([its]);
      return true;
    } catch (error) {
      logger.error({ err: error, host }, "what this host has taken back could not be kept; it is tried again");
      return false;
    }
  }

  function answerOf(
    release: string,
    action: "here-revert" | "here-lift",
    outcome: CommandAnswer["outcome"],
    message: string,
  ): CommandAnswer {
    return { outcome, message, sequence: null, release, receipt: receipts.get(release, action) ?? null };
  }

  const lasting = (isKept: boolean): string => {
    if (!outlivesProcess) return " (kept in memory, here and by those who follow)";
    return isKept ? "" : "; the disk does not take it yet, so that a restart of this instance may end it";
  };

  return {
    async revert(dataset, by, reason) {
      const release = releaseOf(dataset);
      if (release === undefined) {
        const stable = own(state().datasets, dataset)?.stable?.number ?? null;
        throw new SluiceError("NOTHING_TO_REVERT", `nothing runs or bakes on ${dataset} as far as ${host} knows`, {
          details: { stable },
        });
      }
      const { id, candidatePublish } = release;
      const what = `v${candidatePublish} of ${dataset}`;
      if (marked(id)) {
        const reach = dependencies.reach?.(id) ?? "everywhere";
        return answerOf(id, "here-revert", "unchanged", `${what} is reverted already, ${reach}`);
      }
      if (active().some((its) => its.release === id)) {
        return answerOf(id, "here-revert", "unchanged", `${what} is reverted on ${host} already`);
      }
      const revert = { release: id, at: clock.wall(), by, reason };
      logger.warn({ release: id, by, reason }, "a release is reverted on this host alone");
      const isKept = await put("here-revert", id, next([...active(), revert]));
      const message = `${what} is reverted on ${host} alone: everybody else goes on${lasting(isKept)}`;
      return answerOf(id, "here-revert", "done", message);
    },
    async lift(dataset, by, reason) {
      const release = releaseOf(dataset);
      const mineNow = active();
      if (release === undefined || !mineNow.some((its) => its.release === release.id)) {
        const others = hereStatusOf(state(), hosts(), dependencies.followers())
          .filter((its) => its.release === release?.id && its.host !== host)
          .map((its) => its.host);
        if (release !== undefined && others.length > 0) {
          const what = `v${release.candidatePublish} of ${dataset}`;
          const where = others.join(", ");
          throw new SluiceError(
            "NOTHING_TO_REVERT",
            `${what} is not reverted on ${host}: it is on ${where}, lift it there`,
            {
              details: { hosts: others },
            },
          );
        }
        const message = `nothing of ${dataset} is reverted on ${host} alone`;
        return { outcome: "unchanged", message, sequence: null, release: release?.id ?? null, receipt: null };
      }
      const { id, candidatePublish } = release;
      logger.warn({ release: id, by, reason }, "the revert on this host alone is lifted");
      const isKept = await put("here-lift", id, next(mineNow.filter((its) => its.release !== id)));
      const message = `v${candidatePublish} of ${dataset} is out on ${host} again as it is everywhere${lasting(isKept)}`;
      return answerOf(id, "here-lift", "done", message);
    },
    heard(told) {
      const its = told.find((each) => each.host === host);
      const { version, reverts } = mine();
      if (its === undefined || its.version <= version) return;
      const since = active().filter((each) => !its.reverts.some(({ release }) => release === each.release));
      // What was taken back since the restart, under a clock that was set back, must not go with what it had forgotten.
      void kept(reverts.length === 0 ? its : { host, version: its.version + 1, reverts: [...its.reverts, ...since] });
    },
    close() {
      closed = true;
      retry?.cancel();
    },
  };
}
