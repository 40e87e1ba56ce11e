import type { Clock } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import type { Logger } from "pino";
import { pino } from "pino";
import type { App } from "./app.ts";
import { listen } from "./listen.ts";

/** How long open requests may go on after the last stream was ended, in milliseconds. */
const closeGraceMs = 2_000;

/** A running instance. */
export interface Instance {
  readonly url: string;
  /** Ends without loss: what was acknowledged is kept, followers are told where to come back. */
  close(): Promise<void>;
}

/** Structured logs on standard error, so that standard output stays a command's own. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: false }),
  );
}

/** Listens with an app and ends both in the right order. */
export async function instanceOf(parts: {
  readonly app: App;
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  close(): Promise<void>;
}): Promise<Instance> {
  const { app, host, port, clock, logger } = parts;
  if (!isLoopback(host)) {
    await parts.close();
    throw new SluiceError(
      "VALIDATION",
      `${host} is not a loopback address; without tokens an instance listens on 127.0.0.1, ::1 or localhost alone`,
    );
  }
  const listening = await listen(app, host, port, clock).catch(async (error: unknown) => {
    await parts.close();
    throw error;
  });
  logger.info({ url: listening.url }, "listening");
  let closing: Promise<void> | undefined;
  return {
    url: listening.url,
    close() {
      closing ??= (async () => {
        logger.info("closing");
        await parts.close();
        await listening.close(closeGraceMs);
        logger.info("closed");
      })();
      return closing;
    },
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
