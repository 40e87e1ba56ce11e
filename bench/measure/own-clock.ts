import { closeSync, openSync, readSync } from "node:fs";

/** The time that goes by for one thread. */
export interface OwnClock {
  /** Monotonic nanoseconds, less those in which the thread was ready to run and others had its core. */
  now(): number;
  /** Nanoseconds that the thread has waited for a core, as the kernel's schedstat counts them. */
  waited(): number;
  close(): void;
}

const textBytesMax = 128;

/** Makes a clock of the thread that calls it. On a shared machine it tells what a read takes from how busy the others are. */
export function createOwnClock(): OwnClock {
  const file = openSync("/proc/thread-self/schedstat", "r");
  const text = Buffer.alloc(textBytesMax);
  const waited = (): number => {
    const length = readSync(file, text, 0, textBytesMax, 0);
    return waitedOf(text.toString("latin1", 0, length));
  };
  return {
    waited,
    now: () => Number(process.hrtime.bigint()) - waited(),
    close: () => closeSync(file),
  };
}

/** The second number of a schedstat: how long the thread stood in the queue of a core. */
export function waitedOf(schedstat: string): number {
  const found = /^\d+ (\d+) \d+\s*$/.exec(schedstat);
  if (found === null) throw new Error(`expected three numbers of schedstat, came ${JSON.stringify(schedstat)}`);
  return Number(found[1]);
}
