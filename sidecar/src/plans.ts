import type { Clock, Timer } from "@sluice/core";
import { decide } from "@sluice/core";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";

/** How often the plans are looked at, in milliseconds. */
const tickMs = 250;

/**
 * Lets plans take their steps and bakes end. A step that is due is asked of `decide` first, so that the log's queue sees a
 * command only where there is one.
 */
export function createPlans(dependencies: { commands: Commands; clock: Clock; logger: Logger }): { close(): void } {
  const { commands, clock, logger } = dependencies;
  const by = { kind: "plan", name: "clock" } as const;
  const command = { type: "tick" } as const;
  let timer: Timer | undefined;
  let closed = false;

  function arm(): void {
    if (!closed) timer = clock.setTimer(tickMs, look);
  }

  function look(): void {
    if (decide(commands.state(), { by, command }, clock.wall()).kind !== "events") {
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
