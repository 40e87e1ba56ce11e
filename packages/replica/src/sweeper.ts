import type { Clock, Timer } from "@sluice/core";
import type { Blobs } from "./blobs.ts";

/** For how long a blob that nobody needs is kept, in milliseconds: followers may be about to ask for it. */
export const blobGraceMs = 300_000;

/** How often blobs are looked through, in milliseconds. */
export const sweepMs = 60_000;

/** Removes blobs that nothing refers to any more. */
export interface Sweeper {
  start(): void;
  close(): void;
}

/** A blob that is not needed here: since when, and when others touched it last. */
interface Idle {
  readonly sinceMs: number;
  readonly touchedMs: number | null;
}

/**
 * Sweeps what this process does not need and no other has touched for `blobGraceMs`. It counts by its own clock, from the moment in
 * which it saw a blob's time change: times on files may be of another clock, and clocks jump. `needed` names every blob that something
 * here refers to, `touchedMs` the time on a blob's file; `mayDelete` is false while another process sweeps. `onError` is told of a
 * disk that cannot be swept; the next round tries again. `spares` is asked last of all before one is removed, with the monotonic time
 * at which it was first seen to be needless.
 */
export function createSweeper(dependencies: {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly needed: () => ReadonlySet<string> | Promise<ReadonlySet<string>>;
  readonly touchedMs?: (name: string) => Promise<number | null>;
  readonly mayDelete?: () => boolean;
  readonly spares?: (name: string, sinceMs: number) => boolean;
  readonly onError: (error: unknown) => void;
}): Sweeper {
  const { blobs, clock, needed, onError } = dependencies;
  const { touchedMs = async () => null, mayDelete = () => true, spares = () => false } = dependencies;
  const idle = new Map<string, Idle>();
  let timer: Timer | undefined;
  let closed = false;

  const sweep = async (): Promise<void> => {
    if (!mayDelete()) {
      idle.clear();
      return;
    }
    const found = new Map<string, number | null>();
    for (const name of await blobs.list()) found.set(name, await touchedMs(name));
    for (const name of idle.keys()) if (!found.has(name)) idle.delete(name);
    const keep = await needed();
    for (const [name, atMs] of found) {
      if (!isDue(name, atMs, keep)) continue;
      if (closed || !mayDelete()) return;
      idle.delete(name);
      await blobs.delete(name);
    }
  };

  const isDue = (name: string, atMs: number | null, keep: ReadonlySet<string>): boolean => {
    const known = idle.get(name);
    if (keep.has(name)) idle.delete(name);
    else if (known === undefined || known.touchedMs !== atMs) idle.set(name, { sinceMs: clock.now(), touchedMs: atMs });
    else return clock.now() - known.sinceMs >= blobGraceMs && !spares(name, known.sinceMs);
    return false;
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
