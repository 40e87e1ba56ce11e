import { SluiceError } from "@sluice/core";

/** Work, in bytes looked at, between two turns of the event loop: one to three milliseconds. */
const turnBytes = 64 * 1024;

/** What an item costs beside its bytes. */
const itemBytes = 64;

/** Keeps long work from holding the event loop: reverts go out over the same thread. */
export interface Pace {
  /** Counts an item of so many bytes (or characters); true where a turn is due. */
  spent(bytes: number): boolean;
  /** Lets everything else run. Throws CLOSED where the work is not wanted any more. */
  turn(): Promise<void>;
}

/** Usage: `if (pace.spent(n)) await pace.turn()`, so that an item between two turns costs no promise. */
export function createPace(yieldNow: () => Promise<void>, signal: AbortSignal): Pace {
  let left = turnBytes;
  return {
    spent(bytes) {
      left -= bytes + itemBytes;
      return left <= 0;
    },
    async turn() {
      left = turnBytes;
      await yieldNow();
      if (signal.aborted)
        throw new SluiceError("CLOSED", "the publish was given up before it was done; nothing was kept");
    },
  };
}
