import type { Clock, Timer } from "@sluice/core";
import type { Connection } from "@sluice/replica";
import type { Logger } from "pino";

const lookMs = 500;

/** Writes into the log when contact with the origin is found, and when it is lost and why: once each, however often it is tried. */
export function createContactLog(dependencies: {
  readonly connection: () => Connection;
  readonly clock: Clock;
  readonly logger: Pick<Logger, "info" | "warn">;
}): { close(): void } {
  const { connection, clock, logger } = dependencies;
  let timer: Timer | undefined;
  let said: Connection["phase"] | null = null;

  const look = (): void => {
    timer = clock.setTimer(lookMs, look);
    const { phase, url, error } = connection();
    if (phase === said) return;
    if (phase === "connected") logger.info({ url }, "follows the origin");
    else if (phase === "waiting") logger.warn({ url, err: error }, "no contact with the origin; it is tried again");
    else return;
    said = phase;
  };
  timer = clock.setTimer(lookMs, look);
  return { close: () => timer?.cancel() };
}
