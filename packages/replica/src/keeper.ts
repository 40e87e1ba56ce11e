import type { Clock, Timer } from "@sluice/core";
import type { OverflowBlobs } from "./overflow-blobs.ts";
import type { NeededBlob } from "./shelf.ts";

/** How often a process says which files of a shared directory it needs, in milliseconds; several times within the sweeper's grace. */
const keepMs = 60_000;

/** Says which blobs of a directory this process needs, and notices those that somebody took away. */
export interface Keeper {
  start(): void;
  /** Looks soon: something that should be there is not. */
  look(): void;
  close(): void;
}

/** A look that was asked for comes after so long, in milliseconds, however many ask. */
const soonMs = 100;

/**
 * `held` names the files that versions held here stand on, `waiting` what versions on their way wait for or already have. `onGone` is
 * told of held files that are not there any more, `onSettled` of blobs that the disk has taken from memory, `onError` of a disk that
 * does not answer.
 */
export function createKeeper(dependencies: {
  readonly blobs: OverflowBlobs;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly held: () => readonly NeededBlob[];
  readonly waiting: () => readonly string[];
  readonly onGone: (blobs: readonly NeededBlob[]) => void;
  readonly onSettled: (names: readonly string[]) => void;
  readonly onError: (error: unknown) => void;
}): Keeper {
  const { blobs, clock, random, held, waiting, onGone, onSettled, onError } = dependencies;
  let timer: Timer | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let closed = false;

  const keep = async (): Promise<void> => {
    const its = new Map(held().map((blob) => [blob.name, blob]));
    const needed = new Set([...its.keys(), ...waiting()]);
    const settled = await blobs.settle(needed);
    if (settled.length > 0 && !closed) onSettled(settled);
    const gone: NeededBlob[] = [];
    for (const name of needed) {
      if (closed) return;
      const touched = await blobs.touch(name, clock.wall());
      const blob = its.get(name);
      if (touched === "gone" && blob !== undefined) gone.push(blob);
    }
    if (gone.length > 0 && !closed) onGone(gone);
  };

  const arm = (delayMs: number): void => {
    if (closed || clock.now() + delayMs >= dueMs) return;
    timer?.cancel();
    dueMs = clock.now() + delayMs;
    timer = clock.setTimer(delayMs, () => {
      dueMs = Number.POSITIVE_INFINITY;
      void keep()
        .catch(onError)
        .finally(() => arm(keepMs * (0.75 + random() / 2)));
    });
  };

  return {
    start: () => arm(keepMs * (0.25 + random() / 2)),
    look: () => arm(soonMs),
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
