import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@sluice/core";
import type { Blobs } from "./blobs.ts";
import { type Claims, createClaims } from "./claims.ts";
import { temporaryFolder } from "./blob-file.ts";
import { createDirectoryBlobs } from "./directory-blobs.ts";
import { createDiskHealth, type DiskHealth } from "./disk-health.ts";
import { isErrno } from "./files.ts";
import { createHereFiles, type HereFiles } from "./here-files.ts";
import { createMarkFiles, type MarkFiles } from "./mark-files.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { createOverflowBlobs, type OverflowBlobs } from "./overflow-blobs.ts";
import { createPositionFiles, type PositionFiles } from "./position-files.ts";
import { createWriterElection, isOriginDirectory, type WriterElection } from "./writer-election.ts";

/** A directory of a replica, which sidecar and SDKs of a host may share. */
export interface SharedStorage {
  readonly directory: string;
  readonly blobs: OverflowBlobs;
  readonly claims: Claims;
  /** Who sweeps the directory and fetches first. */
  readonly election: WriterElection;
  /**
   * Null in an origin's own directory, where no position is kept, and in one that this process may not write to: it could not write
   * down what it confirms as reverted, and would show it again.
   */
  readonly start: StartFiles | null;
  /** Whether the disk takes what the next start needs. */
  readonly disk: Pick<DiskHealth, "fault">;
}

/** Where the next start begins, and what it must not show. */
export interface StartFiles {
  readonly positions: PositionFiles;
  /** Who writes the position of those that hold the same datasets. */
  readonly election: WriterElection;
  readonly marks: MarkFiles;
  readonly here: HereFiles;
}

/** Where a replica keeps what it holds. */
export interface Storage {
  readonly blobs: Blobs;
  /** Null in memory. */
  readonly shared: SharedStorage | null;
}

/**
 * Opens a directory, or memory where there is none. `onElected` is called when this process has become the directory's writer,
 * `onPositionElected` when it writes the position.
 * Throws STORE_UNAVAILABLE where the directory cannot be used.
 */
export function openStorage(options: {
  readonly directory: string | null;
  readonly clock: Clock;
  /** 0 to below 1; tells the files of processes apart. */
  readonly random: () => number;
  /** New with each start of the process. */
  readonly id: string;
  /** What is held; null holds all. */
  readonly datasets: readonly string[] | null;
  readonly onElected: () => void;
  readonly onPositionElected: () => void;
  /** Told of what keeps elections from being held. */
  readonly onError: (error: unknown) => void;
}): Storage {
  const { directory, datasets, clock, random, onElected, onPositionElected, onError } = options;
  if (directory === null) return { blobs: createMemoryBlobs(), shared: null };
  const token = tokenOf(options.id, random);
  const folder = join(directory, "blobs");
  const blobs = createOverflowBlobs(createDirectoryBlobs(folder, token));
  const elect = (lockName: string, told: () => void): WriterElection =>
    createWriterElection({ directory, lockName, clock, random, onElected: told, onError });
  const disk = createDiskHealth(clock);
  const startFiles = (): StartFiles => {
    const positions = createPositionFiles(directory, datasets, token, disk);
    const election = elect(`${positions.name}.lock`, onPositionElected);
    const marks = disk.watched(createMarkFiles(directory, token));
    const here = disk.watched(createHereFiles(directory, token));
    return { positions, election, marks, here };
  };
  const shared: SharedStorage = {
    directory,
    blobs,
    claims: createClaims(join(folder, temporaryFolder), clock),
    election: elect("writer.lock", onElected),
    start: !isOriginDirectory(directory) && mayWrite(directory) ? startFiles() : null,
    disk,
  };
  return { blobs, shared };
}

function mayWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch (error) {
    // One that is not there yet is made.
    return !isErrno(error, "EROFS", "EACCES", "EPERM");
  }
}

/** A part of a file's name that no other process has: process ids repeat themselves from container to container. */
function tokenOf(id: string, random: () => number): string {
  const drawn = Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, "0");
  return `${id.replaceAll(/[^0-9A-Za-z-]/g, "-").slice(0, 40)}-${drawn}`;
}
