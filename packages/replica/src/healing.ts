import type { Clock, SluiceError, Timer } from "@sluice/core";

/** A dataset whose lines do not come to what was published asks for the whole state at most this often, in milliseconds. */
export const healMs = 60_000;

/** Decides when the whole state is asked for because of a line that is broken. */
export interface Healing {
  needed(dataset: string, error: SluiceError): void;
  close(): void;
}

/**
 * Asks at once the first time and later at most once in `healMs`: what the origin itself publishes wrongly must not keep
 * the stream, and with it every other dataset, from running.
 */
export function createHealing(clock: Clock, ask: (error: SluiceError) => void): Healing {
  const allowedMs = new Map<string, number>();
  const timers = new Map<string, Timer>();
  const askNow = (dataset: string, error: SluiceError): void => {
    timers.delete(dataset);
    allowedMs.set(dataset, clock.now() + healMs);
    ask(error);
  };
  return {
    needed(dataset, error) {
      if (timers.has(dataset)) return;
      const waitMs = (allowedMs.get(dataset) ?? clock.now()) - clock.now();
      if (waitMs <= 0) askNow(dataset, error);
      else
        timers.set(
          dataset,
          clock.setTimer(waitMs, () => askNow(dataset, error)),
        );
    },
    close() {
      for (const timer of timers.values()) timer.cancel();
    },
  };
}
