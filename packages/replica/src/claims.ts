import { closeSync, mkdirSync, openSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock, Timer } from "@sluice/core";
import { isErrno } from "./files.ts";

/** A claim shows every so many milliseconds that its process lives. */
const renewMs = 300;

/** Says to the other processes of a directory which blobs are being fetched, so that a host fetches each of them once. */
export interface Claims {
  /**
   * Takes a blob to be fetched. Null where another process is at it, as far as a first look or a change since the last one can
   * say; a claim on which nothing has changed from one call to the next was left by a process that died, and is taken over.
   */
  take(name: string): Claim | null;
  /** Renews no claim any more; whoever has taken one still lets go of it. */
  close(): void;
}

/** The right to fetch a blob. It is renewed by itself. */
export interface Claim {
  release(): void;
}

/**
 * Claims as empty files of a folder, `NAME.claim`. Where the disk takes none, everybody fetches for himself. Without another thread: a
 * trip to one takes longer than what is done there, and on a busy host a claim would look as if its process had died.
 */
export function createClaims(folder: string, clock: Clock): Claims {
  /** Times of the claims of others, when they were last looked at. */
  const seen = new Map<string, number>();
  const timers = new Set<Timer>();
  let closed = false;

  const isAlive = (path: string): boolean => {
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    // It has just ended: what it was for is there, or is taken by the next who asks.
    if (mtimeMs === undefined) return true;
    const before = seen.get(path);
    seen.set(path, mtimeMs);
    return before !== mtimeMs;
  };

  const hold = (path: string): Claim => {
    let timer: Timer | undefined;
    const stop = (): void => {
      timer?.cancel();
      if (timer !== undefined) timers.delete(timer);
    };
    const renew = (): void => {
      stop();
      touchFile(path, clock.wall() / 1_000);
      timer = clock.setTimer(renewMs, renew);
      timers.add(timer);
    };
    seen.delete(path);
    if (!closed) renew();
    return {
      release() {
        stop();
        removeFile(path);
      },
    };
  };

  return {
    take(name) {
      const path = join(folder, `${name}.claim`);
      const made = makeFile(path);
      if (made === "refused") return { release: () => undefined };
      return made === "made" || !isAlive(path) ? hold(path) : null;
    },
    close() {
      closed = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}

function makeFile(path: string): "made" | "there" | "refused" {
  for (let attempts = 0; attempts < 2; attempts++) {
    try {
      closeSync(openSync(path, "wx"));
      return "made";
    } catch (error) {
      if (isErrno(error, "EEXIST")) return "there";
      // Whoever tidies up may have taken the folder away.
      if (!isErrno(error, "ENOENT") || !makeFolder(dirname(path))) return "refused";
    }
  }
  return "refused";
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

function touchFile(path: string, atS: number): void {
  try {
    utimesSync(path, atS, atS);
  } catch {
    // Somebody took it away: at worst a blob is fetched twice.
  }
}

function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is taken over by whoever wants the blob next, or goes with what is left of killed writers.
  }
}
