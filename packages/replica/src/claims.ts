import { mkdir, open, rm, stat, utimes } from "node:fs/promises";
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
  take(name: string): Promise<Claim | null>;
  /** Renews no claim any more; whoever has taken one still lets go of it. */
  close(): void;
}

/** The right to fetch a blob. It is renewed by itself. */
export interface Claim {
  release(): Promise<void>;
}

/** Claims as empty files of a folder, `NAME.claim`. Where the disk takes none, everybody fetches for himself. */
export function createClaims(folder: string, clock: Clock): Claims {
  /** Times of the claims of others, when they were last looked at. */
  const seen = new Map<string, number>();
  const timers = new Set<Timer>();
  let closed = false;

  const isAlive = async (path: string): Promise<boolean> => {
    try {
      const { mtimeMs } = await stat(path);
      const before = seen.get(path);
      seen.set(path, mtimeMs);
      return before !== mtimeMs;
    } catch {
      // It has just ended: what it was for is there, or is taken by the next who asks.
      return true;
    }
  };

  const hold = (path: string): Claim => {
    let timer: Timer | undefined;
    const stop = (): void => {
      timer?.cancel();
      if (timer !== undefined) timers.delete(timer);
    };
    const renew = (): void => {
      stop();
      const atS = clock.wall() / 1_000;
      void utimes(path, atS, atS).catch(() => {});
      timer = clock.setTimer(renewMs, renew);
      timers.add(timer);
    };
    seen.delete(path);
    if (!closed) renew();
    return {
      async release() {
        stop();
        await rm(path, { force: true }).catch(() => {});
      },
    };
  };

  return {
    async take(name) {
      const path = join(folder, `${name}.claim`);
      const made = await makeFile(path);
      if (made === "refused") return { release: async () => undefined };
      return made === "made" || !(await isAlive(path)) ? hold(path) : null;
    },
    close() {
      closed = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}

async function makeFile(path: string): Promise<"made" | "there" | "refused"> {
  for (let attempts = 0; attempts < 2; attempts++) {
    try {
      await (await open(path, "wx")).close();
      return "made";
    } catch (error) {
      if (isErrno(error, "EEXIST")) return "there";
      // Whoever tidies up may have taken the folder away.
      if (isErrno(error, "ENOENT")) await mkdir(dirname(path), { recursive: true }).catch(() => {});
    }
  }
  return "refused";
}
