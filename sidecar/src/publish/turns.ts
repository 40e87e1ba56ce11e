import { SluiceError } from "@sluice/core";

/** Lets work begin in the order in which it was asked for, one at a time for each dataset and a few in all. */
export interface Turns {
  /** Ends with the work. Throws NOT_READY where too many wait, CLOSED where the signal ends the waiting. */
  take<T>(dataset: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** How long a caller that found the queue full should wait, in milliseconds. */
export const retryAfterMs = 5_000;

interface Waiting {
  readonly dataset: string;
  readonly start: () => void;
}

/** `runningMax` at work, `waitingMax` behind them. */
export function createTurns(options: { runningMax: number; waitingMax: number }): Turns {
  const { runningMax, waitingMax } = options;
  const running = new Set<string>();
  const waiting: Waiting[] = [];

  function startNext(): void {
    while (running.size < runningMax) {
      const index = waiting.findIndex(({ dataset }) => !running.has(dataset));
      const [next] = index === -1 ? [] : waiting.splice(index, 1);
      if (next === undefined) return;
      running.add(next.dataset);
      next.start();
    }
  }

  function turn(dataset: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        const index = waiting.indexOf(entry);
        if (index === -1) return;
        waiting.splice(index, 1);
        reject(new SluiceError("CLOSED", "the publish was given up before its turn came"));
      };
      const entry = {
        dataset,
        start() {
          signal.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      waiting.push(entry);
      signal.addEventListener("abort", giveUp, { once: true });
      if (signal.aborted) giveUp();
      startNext();
    });
  }

  return {
    async take(dataset, signal, work) {
      // Counted before the queue moves: what may start at once does not wait.
      if (waiting.length >= waitingMax) {
        throw new SluiceError(
          "NOT_READY",
          `${waitingMax} publishes wait already; try again in ${retryAfterMs / 1000} s`,
          {
            details: { waitingMax, retryAfterMs },
          },
        );
      }
      await turn(dataset, signal);
      try {
        return await work();
      } finally {
        running.delete(dataset);
        startNext();
      }
    },
  };
}
