import type { Clock, Elapsed, NamespaceState, ReleaseState, Timer } from "@sluice/core";
import { decide, isActive } from "@sluice/core";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { Guards } from "./guard.ts";

/** How often the plans are looked at, in milliseconds. */
const tickMs = 250;

/**
 * Lets plans take their steps and bakes end. A step that is due is asked of `decide` first, so that the log's queue sees a
 * command only where there is one.
 */
export function createPlans(dependencies: {
  commands: Commands;
  guards: Pick<Guards, "proven">;
  clock: Clock;
  logger: Logger;
}): { close(): void } {
  const { commands, guards, clock, logger } = dependencies;
  const by = { kind: "plan", name: "clock" } as const;
  const elapsed = createElapsed(clock, ({ stepSince }) => stepSince);
  const guardOff = createElapsed(clock, (release) => release.guardOff?.at ?? null);
  let timer: Timer | undefined;
  let closed = false;

  function arm(): void {
    if (!closed) timer = clock.setTimer(tickMs, look);
  }

  function look(): void {
    const state = commands.state();
    const facts = { elapsed: elapsed(state), guardOff: guardOff(state), proven: guards.proven() };
    const command = { type: "tick", ...facts } as const;
    if (decide(state, { by, command }, clock.wall()).kind !== "events") {
      arm();
      return;
    }
    commands
      .execute({ by, command })
      .catch((error: unknown) => logger.error({ err: error }, "a plan could not take its step"))
      .finally(arm);
  }

  arm();
  return {
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

/**
 * Says for how long something of each active release has lasted, since what `sinceOf` gives; null is nothing. The log has wall times,
 * which jump; so the wall clock is asked once, when it is first seen, and the monotonic one from then on. What passed before a
 * restart only the wall clock knows.
 */
function createElapsed(
  clock: Clock,
  sinceOf: (release: ReleaseState) => number | null,
): (state: NamespaceState) => Readonly<Record<string, Elapsed>> {
  let seen = new Map<string, { readonly stepSince: number; readonly sinceMs: number }>();
  return ({ releases }) => {
    const now = clock.now();
    const lasting = Object.values(releases).flatMap((release) => {
      const stepSince = isActive(release) ? sinceOf(release) : null;
      return stepSince === null ? [] : [{ id: release.id, stepSince }];
    });
    seen = new Map(
      lasting.map(({ id, stepSince }) => {
        const known = seen.get(id);
        if (known?.stepSince === stepSince) return [id, known];
        return [id, { stepSince, sinceMs: now - Math.max(0, clock.wall() - stepSince) }];
      }),
    );
    return Object.fromEntries(
      [...seen].map(([id, { stepSince, sinceMs }]) => [id, { stepSince, elapsedMs: now - sinceMs }]),
    );
  };
}
