import type { Clock } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import { paths, routes } from "@sluice/core/api";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";

/** At most this often does a status stream say something, in milliseconds. */
const streamIntervalMs = 250;

/** What the routes of status need. */
export interface StatusRouteDependencies {
  readonly clock: Clock;
  status(): StatusAnswer;
}

/** `GET /v1/status`, and the same as a stream for pages and `--watch`. */
export function createStatusRoutes(dependencies: StatusRouteDependencies): Hono {
  const { clock } = dependencies;
  const app = new Hono();

  app.get(routes.status.path, (context) => context.json(dependencies.status()));

  app.get(paths.statusStream, (context) =>
    streamSSE(context, async (stream) => {
      let last = "";
      let unsaid = 0;
      let wake: (() => void) | undefined;
      // Once and not at every look: Hono keeps each listener until the stream ends, which for a page is the end of the day.
      stream.onAbort(() => wake?.());
      while (!stream.aborted && !stream.closed) {
        const now = dependencies.status();
        const data = JSON.stringify(now);
        // The time moves at every look; it alone is said once in eight looks, which is what keeps the connection alive.
        const said = JSON.stringify({ ...now, at: 0 });
        if (said !== last || unsaid >= 8) {
          await stream.writeSSE({ event: "status", data });
          last = said;
          unsaid = 0;
        } else {
          unsaid += 1;
        }
        if (stream.aborted) return;
        await new Promise<void>((resolve) => {
          const timer = clock.setTimer(streamIntervalMs, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
      }
    }),
  );

  return app;
}
