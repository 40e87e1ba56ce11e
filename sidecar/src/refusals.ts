import { type Clock, isActive, isSluiceError, own, type ReleaseState, type Timer } from "@sluice/core";
import type { RefusedRelease } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands, Executed } from "./commands.ts";
import type { Registry } from "./followers/registry.ts";
import { createStandingHolds, type StandingHolds } from "./standing-holds.ts";

/** A revert that waits for the guard is looked at this often, in milliseconds: the log may take no event that says that it is on again. */
const lookMs = 1_000;

/**
 * Reverts a release whose candidate an application does not take that its plan requires, and holds it where any other process
 * does not, until a person ends that very hold: a plan that went on by itself would show everybody, when the bake is over, what that process cannot read. Nothing else
 * would stop it, since views that are kept from a candidate count in no arm. Whether it is the version or the application that is
 * wrong, where the plan does not say, a person says with a revert or a resume.
 *
 * The revert is the guard's: while a person has turned that off it waits, and is a fault until then.
 */
export function watchRefusals(dependencies: {
  readonly commands: Pick<Commands, "state" | "execute" | "subscribe" | "isGuardOff">;
  readonly registry: Pick<Registry, "subscribe">;
  readonly clock: Clock;
  readonly logger: Logger;
}): Pick<StandingHolds, "faults" | "close"> {
  const { commands, registry, clock, logger } = dependencies;
  const holds = createStandingHolds({ ...dependencies, by: { kind: "alert", name: "refused" } });
  /** Releases that are to be held for it, by the first who said so. */
  const held = new Set<string>();
  /** Refusals of required applications, by release, until it has ended. */
  const required = new Map<string, string>();
  /** A revert is on its way. */
  const reverting = new Set<string>();
  let timer: Timer | undefined;

  const activeOf = (id: string): ReleaseState | undefined => {
    const release = own(commands.state().releases, id);
    return release !== undefined && isActive(release) ? release : undefined;
  };

  function take({ release, reason, app }: RefusedRelease): void {
    const active = activeOf(release);
    if (active === undefined) return;
    if (app !== undefined && active.plan.requiredApps.includes(app)) {
      const isOff = commands.isGuardOff(release);
      if (isOff && !required.has(release)) {
        logger.warn(
          { release, reason },
          "a required application does not take a candidate: reverted when the guard is on",
        );
      }
      required.set(release, reason);
      revert(active);
    } else if (!held.has(release)) {
      held.add(release);
      // Whether a person overruled it the log says, whatever the step: a restart has all of them say it again.
      holds.want(release, reason, 0);
    }
  }

  function revert({ id }: ReleaseState): void {
    const reason = required.get(id);
    if (reason === undefined || reverting.has(id)) return;
    if (commands.isGuardOff(id)) {
      timer ??= clock.setTimer(lookMs, () => {
        timer = undefined;
        look();
      });
      return;
    }
    reverting.add(id);
    commands
      .execute({
        by: { kind: "guard", name: "refused" },
        command: { type: "revert", target: { release: id }, cause: { reason, evidence: null } },
      })
      .then((executed) => reverted(id, reason, executed))
      .catch((error: unknown) => {
        reverting.delete(id);
        if (isSluiceError(error, "RELEASE_ENDED", "NOTHING_TO_REVERT", "CLOSED")) return;
        logger.error(
          { err: error, release: id, reason },
          "a required application does not take a candidate, and it could not be reverted",
        );
      });
  }

  function reverted(release: string, reason: string, { decision, durable }: Executed): void {
    // The guard was turned off in the same moment; the revert is given again when it is on.
    if (decision.kind === "unchanged" && durable) reverting.delete(release);
    else logger.warn({ release, reason }, "a required application does not take a candidate: reverted");
  }

  function look(): void {
    for (const id of required.keys()) {
      const active = activeOf(id);
      if (active !== undefined) {
        revert(active);
        continue;
      }
      required.delete(id);
      reverting.delete(id);
    }
  }

  registry.subscribe({
    confirmation({ refused = [] }) {
      for (const refusal of refused) take(refusal);
    },
  });
  commands.subscribe({
    events() {
      for (const release of held) if (activeOf(release) === undefined) held.delete(release);
      look();
    },
  });

  return {
    faults(dataset) {
      const waiting = [...required].filter(([id]) => activeOf(id)?.dataset === dataset && commands.isGuardOff(id));
      const owed = waiting.map(([, reason]) => `${reason}; it is reverted for that when the guard is on again`);
      return [...owed, ...holds.faults(dataset)];
    },
    close() {
      timer?.cancel();
      holds.close();
    },
  };
}
