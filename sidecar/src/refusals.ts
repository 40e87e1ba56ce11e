import { type GivenCommand, isActive, isSluiceError, own, type ReleaseState } from "@sluice/core";
import type { RefusedRelease } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { Registry } from "./followers/registry.ts";

/**
 * Reverts a release whose candidate an application does not take that its plan requires, and holds it once where any other process
 * does not: a plan that went on by itself would show everybody, when the bake is over, what that process cannot read. Nothing else
 * would stop it, since views that are kept from a candidate count in no arm. Whether it is the version or the application that is
 * wrong, where the plan does not say, a person says with a revert or a resume.
 *
 * The revert is the guard's: while a person has turned that off it waits.
 */
export function watchRefusals(dependencies: {
  readonly commands: Pick<Commands, "state" | "execute" | "subscribe">;
  readonly registry: Pick<Registry, "subscribe">;
  readonly logger: Logger;
}): void {
  const { commands, registry, logger } = dependencies;
  /** Releases that were held for it. */
  const held = new Set<string>();
  /** Refusals of required applications, by release, until it has ended. */
  const required = new Map<string, string>();
  /** A revert is on its way. */
  const reverting = new Set<string>();

  const activeOf = (id: string): ReleaseState | undefined => {
    const release = own(commands.state().releases, id);
    return release !== undefined && isActive(release) ? release : undefined;
  };

  function take({ release, reason, app }: RefusedRelease): void {
    const active = activeOf(release);
    if (active === undefined) return;
    if (app !== undefined && active.plan.requiredApps.includes(app)) {
      required.set(release, reason);
      revert(active);
    } else if (!held.has(release)) {
      held.add(release);
      // The next process that says so, or the same one when it connects again, tries anew.
      act({ by: { kind: "alert", name: "refused" }, command: { type: "hold", release, cause: causeOf(reason) } }, () =>
        held.delete(release),
      );
    }
  }

  function revert({ id, guardOff }: ReleaseState): void {
    const reason = required.get(id);
    if (reason === undefined || guardOff !== null || reverting.has(id)) return;
    reverting.add(id);
    const by = { kind: "guard", name: "refused" } as const;
    act({ by, command: { type: "revert", target: { release: id }, cause: causeOf(reason) } }, () =>
      reverting.delete(id),
    );
  }

  function act(given: GivenCommand, onFailure: () => void): void {
    const { type } = given.command;
    commands
      .execute(given)
      .then(() => logger.warn({ command: given.command }, `a process does not take a candidate: ${type}`))
      .catch((error: unknown) => {
        onFailure();
        if (isSluiceError(error, "RELEASE_ENDED", "NOTHING_TO_REVERT", "CLOSED")) return;
        logger.error(
          { err: error, command: given.command },
          `a process does not take a candidate, and the ${type} failed`,
        );
      });
  }

  registry.subscribe({
    confirmation({ refused = [] }) {
      for (const refusal of refused) take(refusal);
    },
  });
  commands.subscribe({
    events() {
      for (const release of held) if (activeOf(release) === undefined) held.delete(release);
      for (const id of required.keys()) {
        const active = activeOf(id);
        if (active !== undefined) {
          revert(active);
          continue;
        }
        required.delete(id);
        reverting.delete(id);
      }
    },
  });
}

function causeOf(reason: string): { readonly reason: string; readonly evidence: null } {
  return { reason, evidence: null };
}
