import type { Clock, Timer } from "@sluice/core";
import type { Blobs } from "./blobs.ts";

/** For how long a blob that nothing here refers to is kept, in milliseconds: followers may be about to ask for it. */
export const blobGraceMs = 300_000;

/** How often blobs are looked through, in milliseconds. */
export const sweepMs = 60_000;

/** Removes blobs that nothing refers to any more. */
export interface Sweeper {
  start(): void;
  close(): void;
}

/**
 * `needed` names every blob that something refers to. `spares` is asked last of all before one is removed, with the monotonic
 * time at which it was first seen to be needless. `onError` is told of a disk that cannot be swept; the next round tries again.
 */
export function createSweeper(dependencies: {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly needed: () => ReadonlySet<string> | Promise<ReadonlySet<string>>;
  readonly spares?: (name: string, sinceMs: number) => boolean;
  readonly onError: (error: unknown) => void;
}): Sweeper {
  const { blobs, clock, needed, spares = () => false, onError } = dependencies;
  const unneededSinceMs = new Map<string, number>();
  let timer: Timer | undefined;
  let closed = false;

  const sweep = async (): Promise<void> => {
    const names = await blobs.list();
    const keep = await needed();
    const nowMs = clock.now();
    const there = new Set(names);
    for (const name of unneededSinceMs.keys()) {
      if (keep.has(name) || !there.has(name)) unneededSinceMs.delete(name);
    }
    for (const name of names) {
      if (closed || keep.has(name)) continue;
      const sinceMs = unneededSinceMs.get(name) ?? nowMs;
      unneededSinceMs.set(name, sinceMs);
      if (nowMs - sinceMs < blobGraceMs || spares(name, sinceMs)) continue;
      unneededSinceMs.delete(name);
      await blobs.delete(name);
    }
  };

  const arm = (): void => {
    timer = clock.setTimer(sweepMs, () => {
      void sweep()
        .catch(onError)
        .finally(() => {
          if (!closed) arm();
        });
    });
  };

  return {
    start: arm,
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
