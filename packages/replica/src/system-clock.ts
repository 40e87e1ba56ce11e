import type { Clock, Timer } from "@sluice/core";

/** The longest that a timer of Node waits; a longer one would fire at once. */
const timerMsMax = 2 ** 31 - 1;

/** The machine's own clocks and timers. A timer may wait for longer than Node's 24.8 days. */
export function createSystemClock(): Clock {
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimer(delayMs, fire, options): Timer {
      if (delayMs <= 0) {
        // `setTimeout` makes a millisecond of no delay, which a loop that gives way every few steps would pay each time. Not
        // unref'd: the event loop would first wait for something else to happen. It keeps the process for this one turn.
        const immediate = setImmediate(fire);
        return { cancel: () => clearImmediate(immediate) };
      }
      let leftMs = delayMs;
      const arm = (): NodeJS.Timeout => {
        const partMs = Math.min(leftMs, timerMsMax);
        const timeout = setTimeout(() => {
          leftMs -= partMs;
          if (leftMs > 0) handle = arm();
          else fire();
        }, partMs);
        return options?.keepAlive === true ? timeout : timeout.unref();
      };
      let handle = arm();
      return { cancel: () => clearTimeout(handle) };
    },
  };
}

/** Ends when the event loop has turned: what waits for something that has ended goes on before. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
