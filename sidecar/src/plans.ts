import type { Clock, Timer } from "@sluice/core";
import { decide, isActive, isSluiceError, leaseMs } from "@sluice/core";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import { createElapsed } from "./elapsed.ts";
import type { Guards } from "./guard.ts";
import { createSeldom } from "./seldom.ts";

/** How often the plans are looked at, in milliseconds. */
const tickMs = 250;

/** Pause before a step that the log did not take is tried again, in milliseconds. */
const retryMs = 1_000;

/**
 * Lets plans take their steps and bakes end. A step that is due is asked of `decide` first, so that the log's queue sees a
 * command only where there is one. After a start with a release nothing is done for as long as a lease: what followers have refused
 * meanwhile is heard of when they are back, and whoever is not back by then shows the candidate to nobody.
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
  const seldom = createSeldom(clock);
  const firstStepMs = clock.now() + (Object.values(commands.state().releases).some(isActive) ? leaseMs : 0);
  let timer: Timer | undefined;
  let closed = false;

  function arm(delayMs = tickMs): void {
    if (!closed) timer = clock.setTimer(delayMs, look);
  }

  function look(): void {
    const state = commands.state();
    const facts = { elapsed: elapsed(state), guardOff: guardOff(state), proven: guards.proven() };
    const command = { type: "tick", ...facts } as const;
    if (clock.now() < firstStepMs || decide(state, { by, command }, clock.wall()).kind !== "events") {
      arm();
      return;
    }
    commands
      .execute({ by, command })
      .then(() => arm())
      .catch((error: unknown) => {
        const code = isSluiceError(error) ? error.code : "INTERNAL";
        seldom(code, (times) => logger.error({ err: error, times }, "a plan could not take its step"));
        arm(retryMs);
      });
  }

  arm();
  return {
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
