import { join } from "node:path";
import type { Clock, Timer } from "@sluice/core";
import { tidyBlobs, temporaryKeptMs } from "./blob-litter.ts";
import { createKeeper } from "./keeper.ts";
import type { Position } from "./position.ts";
import { removeTemporaries } from "./record-file.ts";
import type { NeededBlob } from "./shelf.ts";
import type { SharedStorage, Storage } from "./storage.ts";
import { createSweeper } from "./sweeper.ts";

/** How often the directory's writer tidies up, in milliseconds. */
const tidyMs = 60_000;

/** Keeps what a replica needs in its storage, and nothing else. */
export interface Upkeep {
  start(): void;
  /** A file was asked for and is not there: where it should be, looks which others are gone too. */
  missed(name: string): void;
  close(): void;
}

/**
 * `held` names the files that versions held here stand on, `waiting` what versions on their way wait for or already have. `onGone` is
 * told of held files that somebody took away, `onSettled` of blobs that a disk which was full has taken after all, `onError` of a disk
 * that does not do as asked.
 */
export function createUpkeep(dependencies: {
  readonly storage: Storage;
  readonly position: Position | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly held: () => readonly NeededBlob[];
  readonly waiting: () => readonly string[];
  readonly onGone: (blobs: readonly NeededBlob[]) => void;
  readonly onSettled: (names: readonly string[]) => void;
  readonly onError: (error: unknown) => void;
}): Upkeep {
  const { storage, position, clock, held, waiting, onError } = dependencies;
  const { blobs, shared } = storage;
  const needed = (): readonly string[] => [...held().map(({ name }) => name), ...waiting()];
  const sweeper = createSweeper({
    blobs,
    clock,
    needed: () => new Set([...needed(), ...(position?.blobs() ?? [])]),
    ...(shared === null
      ? {}
      : { mayDelete: () => shared.election.confirm(), touchedMs: (name: string) => shared.blobs.touchedMs(name) }),
    onError,
  });
  const keeper = shared === null ? null : createKeeper({ ...dependencies, blobs: shared.blobs });
  let timer: Timer | undefined;
  let closed = false;

  const armTidy = (its: SharedStorage): void => {
    timer = clock.setTimer(tidyMs, () => {
      void tidy(its, position, clock)
        .catch(onError)
        .finally(() => {
          if (!closed) armTidy(its);
        });
    });
  };

  return {
    start() {
      sweeper.start();
      keeper?.start();
      if (shared !== null) armTidy(shared);
    },
    missed(name) {
      if (held().some((blob) => blob.name === name)) keeper?.look();
    },
    close() {
      closed = true;
      sweeper.close();
      keeper?.close();
      timer?.cancel();
    },
  };
}

async function tidy(shared: SharedStorage, position: Position | null, clock: Clock): Promise<void> {
  if (!shared.election.confirm()) return;
  await tidyBlobs(join(shared.directory, "blobs"), clock.wall());
  await removeTemporaries(shared.directory, clock.wall() - temporaryKeptMs);
  const { start } = shared;
  if (start === null || position === null || !(start.marks.any() || start.here.any())) return;
  const positions = await position.all();
  // Where there is none yet, the first may be older than what was confirmed.
  if (positions.length === 0) return;
  await start.marks.passed(positions);
  await start.here.passed(positions);
}
