import type { Clock, Timer } from "@sluice/core";
import { isSluiceError } from "@sluice/core";

/** Work that is done again and again, one turn at a time. */
export interface Loop {
  /** Begins the first turn. */
  start(): void;
  /** Begins a turn now, or right after the one that runs. */
  poke(): void;
  /** Breaks off the turn that runs and begins no more. */
  close(): Promise<void>;
}

/** What a loop is made of. */
export interface LoopOptions {
  readonly clock: Clock;
  /** One turn. Throws where it failed. */
  readonly turn: (signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** Pause before the next turn in milliseconds, after so many turns in a row that failed. */
  readonly pauseMs: (failures: number) => number;
}

/** Makes a loop that stands. */
export function createLoop({ clock, turn, onError, pauseMs }: LoopOptions): Loop {
  const closing = new AbortController();
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let poked = false;
  let failures = 0;

  async function run(): Promise<void> {
    do {
      poked = false;
      try {
        await turn(closing.signal);
        failures = 0;
      } catch (error) {
        if (closing.signal.aborted || isSluiceError(error, "CLOSED")) break;
        failures++;
        onError(error);
      }
      // A poke says that something has changed; it does not hurry what fails.
    } while (poked && !closing.signal.aborted);
    running = undefined;
    if (!closing.signal.aborted) timer = clock.setTimer(pauseMs(failures), begin);
  }

  function begin(): void {
    timer?.cancel();
    if (closing.signal.aborted) return;
    if (running === undefined) running = run();
    else poked = true;
  }

  return {
    start: begin,
    poke: begin,
    async close() {
      closing.abort();
      timer?.cancel();
      await running;
    },
  };
}
