import type { Clock, Timer } from "@sluice/core";
import type { Replica } from "@sluice/replica";
import type { Events } from "./events.ts";

/** Notices what happens without an event of the log: a connection that comes and goes, and silence. */
export interface Watch {
  /** Whether the last contact with the log's owner, or the start where there was none, is too long ago. */
  isStale(): boolean;
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
  const ageMs = (): number => replica.contactAgeMs() ?? clock.now() - startedAt;
  const look = (): void => {
    // Before the listeners, one of which may stop it.
    timer = clock.setTimer(intervalMs, look);
    const { phase, url, error } = replica.connection();
    const isConnected = phase === "connected";
    const isStale = ageMs() > staleAfterMs;
    if (isConnected && !wasConnected) events.emit("connected", { url });
    if (!isConnected && wasConnected) events.emit("disconnected", { error });
    if (isStale && !wasStale) events.emit("stale", { ageMs: ageMs() });
    wasConnected = isConnected;
    wasStale = isStale;
  };
  let timer: Timer = clock.setTimer(intervalMs, look);
  return { isStale: () => ageMs() > staleAfterMs, stop: () => timer.cancel() };
}
