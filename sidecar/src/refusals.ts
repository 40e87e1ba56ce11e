import { isActive, isSluiceError, own } from "@sluice/core";
import type { RefusedRelease } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { Registry } from "./followers/registry.ts";

/**
 * Holds a release whose candidate a process does not take, once: a plan that went on by itself would show everybody, when the bake
 * is over, what that process cannot read. Nothing else would stop it, since views that are kept from a candidate count in no arm.
 * Whether it is the version or the application that is wrong, a person says with a revert or a resume.
 */
export function holdRefused(dependencies: {
  readonly commands: Pick<Commands, "state" | "execute" | "subscribe">;
  readonly registry: Pick<Registry, "subscribe">;
  readonly logger: Logger;
}): void {
  const { commands, registry, logger } = dependencies;
  /** Releases that were held for it. */
  const held = new Set<string>();
  const activeOf = (id: string): boolean => {
    const release = own(commands.state().releases, id);
    return release !== undefined && isActive(release);
  };

  function take({ release, reason }: RefusedRelease): void {
    if (held.has(release) || !activeOf(release)) return;
    held.add(release);
    const by = { kind: "alert", name: "refused" } as const;
    commands
      .execute({ by, command: { type: "hold", release, cause: { reason, evidence: null } } })
      .then(() => logger.warn({ release, reason }, "a process does not take a candidate; its release is held"))
      .catch((error: unknown) => {
        if (isSluiceError(error, "RELEASE_ENDED", "CLOSED")) return;
        // The next process that says so, or the same one when it connects again, tries anew.
        held.delete(release);
        logger.error({ err: error, release }, "a release that a process refuses could not be held");
      });
  }

  registry.subscribe({
    confirmation({ refused = [] }) {
      for (const refusal of refused) take(refusal);
    },
  });
  commands.subscribe({
    events() {
      for (const release of held) if (!activeOf(release)) held.delete(release);
    },
  });
}
