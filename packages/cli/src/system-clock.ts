import type { Clock } from "@sluice/core";

/** The machine's clock. */
export function createSystemClock(): Clock {
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimer(delayMs, fire, { keepAlive = false } = {}) {
      const timer = setTimeout(fire, delayMs);
      if (!keepAlive) timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
