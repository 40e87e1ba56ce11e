import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Worker } from "node:worker_threads";
import type { Clock } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import { type Blobs, createDirectoryBlobs, tidyBlobs } from "@sluice/replica";
import type { Logger } from "pino";
import { type DirectoryLock, lockDirectory } from "./directory-lock.ts";
import { createEmbeddedLog } from "./embedded-log.ts";
import { faultOf } from "./fault.ts";
import { syncDirectory } from "./log-file.ts";
import { errorOf } from "../thread-calls.ts";
import { openLogWorker, startLogWorker } from "./log-worker.ts";
import type { Store } from "./port.ts";

/** What an embedded store needs. */
export interface EmbeddedStoreOptions {
  /** Made where it is not there. Not on a network file system. */
  readonly directory: string;
  /** For the age of answers. */
  readonly clock: Pick<Clock, "wall">;
  /** Draws the id of a new log. */
  readonly newLogId: () => string;
  readonly logger?: Pick<Logger, "info" | "warn" | "error">;
  /** Size that the log's file may grow to, in bytes; beyond it appends fail with DISK_FULL. Default: as the disk allows. */
  readonly logBytesMax?: number;
  /** Starts the thread that owns the log's file; a test may want to know the thread. */
  readonly startWorker?: () => Worker;
}

/**
 * Opens the store of one origin: `log.sqlite` and `blobs/` in a directory that this process holds alone until `close`.
 * Throws STORE_UNAVAILABLE where another process has it (its pid and host in the details), the log is of a newer format or
 * the directory cannot be used, CORRUPT, naming the file, where the log is damaged or gone from beside its blobs, and DISK_FULL.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const { clock, newLogId, logger = null, logBytesMax = null, startWorker = startLogWorker } = options;
  const directory = resolve(options.directory);
  makeDirectory(directory);
  const lock: DirectoryLock = lockDirectory(directory, logger);
  try {
    const blobs = makeBlobs(directory);
    const file = join(directory, "log.sqlite");
    await refuseLostLog(file, blobs, directory);
    const worker = await openLogWorker({
      file,
      newLogId: newLogId(),
      bytesMax: logBytesMax,
      startWorker,
      logger,
    });
    const log = createEmbeddedLog(worker, clock);
    let closing: Promise<void> | null = null;
    return {
      log,
      blobs,
      tidy: () => tidyBlobs(join(directory, "blobs"), clock.wall()),
      close() {
        closing ??= log.close().finally(() => lock.release());
        return closing;
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Blobs come after a log: without one, what is begun anew would look to every follower as if nothing had ever been published. */
async function refuseLostLog(file: string, blobs: Blobs, directory: string): Promise<void> {
  if (existsSync(file) || (await blobs.list()).length === 0) return;
  throw new SluiceError(
    "CORRUPT",
    `${directory} has versions and ${file} is gone; put a backup in its place, or take another directory`,
    { details: { file } },
  );
}

function makeBlobs(directory: string): Blobs {
  const folder = join(directory, "blobs");
  const isNew = !existsSync(folder);
  const blobs = createDirectoryBlobs(folder);
  if (isNew) {
    // A blob syncs the folder that it lies in, not the names of the folders.
    for (const made of [folder, directory]) syncDirectory(made);
  }
  return blobs;
}

function makeDirectory(directory: string): void {
  try {
    const made = mkdirSync(directory, { recursive: true });
    if (made === undefined) return;
    // A new directory survives a loss of power once its name in the one above is synced, and so on up.
    for (let at = directory; at !== dirname(made); at = dirname(at)) syncDirectory(dirname(at));
  } catch (error) {
    throw errorOf(faultOf(error, directory));
  }
}
