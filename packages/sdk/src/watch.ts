import type { Clock, Timer } from "@sluice/core";
import type { Replica } from "@sluice/replica";
import type { Events } from "./events.ts";

/** Notices what happens without an event of the log: a connection that comes and goes, and silence. */
export interface Watch {
  /** Age in milliseconds of the last contact with the log's owner, counted from the start where there was none. */
  ageMs(): number;
  isStale(): boolean;
  /** Looks now. */
  look(): void;
  stop(): void;
}

const intervalMs = 500;

/** Looks at a replica's connection twice a second. */
export function createWatch(
  replica: Pick<Replica, "connection" | "contactAgeMs">,
  { clock, events, staleAfterMs }: { clock: Clock; events: Events; staleAfterMs: number },
): Watch {
  const startedAt = clock.now();
  let wasConnected = replica.connection().phase === "connected";
  let wasStale = false;
  let timer: Timer;

  const watch: Watch = {
    ageMs: () => replica.contactAgeMs() ?? clock.now() - startedAt,
    isStale: () => watch.ageMs() > staleAfterMs,
    look() {
      const { phase, url, error } = replica.connection();
      const isConnected = phase === "connected";
      const isStale = watch.isStale();
      const [hasConnected, hasDisconnected] = [isConnected && !wasConnected, !isConnected && wasConnected];
      const hasGoneStale = isStale && !wasStale;
      // Before the listeners, who may look again.
      wasConnected = isConnected;
      wasStale = isStale;
      if (hasConnected) events.emit("connected", { url });
      if (hasDisconnected) events.emit("disconnected", { error });
      if (hasGoneStale) events.emit("stale", { ageMs: watch.ageMs() });
    },
    stop: () => timer.cancel(),
  };
  const next = (): void => {
    timer = clock.setTimer(intervalMs, () => {
      watch.look();
      next();
    });
  };
  next();
  return watch;
}
