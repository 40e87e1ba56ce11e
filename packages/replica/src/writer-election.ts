import { statSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Timer } from "@sluice/core";
import { type TakeWriterLock, takeWriterLock, type WriterLock } from "./writer-lock.ts";

/** A process that is not the writer asks again after about so many milliseconds, between half of it and half as much again. */
export const electionMs = 3_000;

/** The log of an origin. */
const originName = "log.sqlite";

/** Which of the processes that share a directory does what one of them has to. */
export interface WriterElection {
  isWriter(): boolean;
  /** The same, after a look at the directory. */
  confirm(): boolean;
  /** Asks at once, and again every few seconds until `close`. */
  start(): void;
  close(): void;
}

/** Whether a directory is an origin's own: whoever shares it reads, and never sweeps what the origin has published. */
export function isOriginDirectory(directory: string): boolean {
  return statSync(join(directory, originName), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Elects nobody before `start`, by a lock on a file of the directory; an origin holds another one, `lock`, which nobody else touches.
 * `onElected` is called when this process has become the writer, `onError` told of what keeps it from asking.
 */
export function createWriterElection(dependencies: {
  readonly directory: string;
  readonly lockName: string;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly onElected: () => void;
  readonly onError: (error: unknown) => void;
  readonly takeLock?: TakeWriterLock;
}): WriterElection {
  const { directory, lockName, clock, random, onElected, onError, takeLock = takeWriterLock } = dependencies;
  let lock: WriterLock | null = null;
  let timer: Timer | undefined;
  let closed = false;

  const confirm = (): boolean => {
    if (lock === null) return false;
    if (lock.isHeld() && !isOriginDirectory(directory)) return true;
    lock.release();
    lock = null;
    return false;
  };

  const ask = async (): Promise<void> => {
    if (confirm() || isOriginDirectory(directory)) return;
    const taken = await takeLock(join(directory, lockName));
    if (taken === null) return;
    if (closed) {
      taken.release();
      return;
    }
    lock = taken;
    onElected();
  };

  const askAgain = (): void => {
    void ask()
      .catch(onError)
      .finally(() => {
        if (!closed) timer = clock.setTimer(electionMs * (0.5 + random()), askAgain);
      });
  };

  return {
    isWriter: () => lock !== null,
    confirm,
    start: askAgain,
    close() {
      closed = true;
      timer?.cancel();
      lock?.release();
      lock = null;
    },
  };
}
