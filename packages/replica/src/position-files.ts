import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DiskHealth } from "./disk-health.ts";
import { isErrno, storeError } from "./files.ts";
import { createRecordFile, type RecordFile } from "./record-file.ts";

/**
 * The positions of a directory: `position` of processes that hold every dataset, `position.KEY` of those that hold certain ones. Each
 * says of its datasets where the next start begins; one that said less could not take the place of one that said more.
 */
export interface PositionFiles {
  /** The file of this process, and its name. */
  readonly own: RecordFile;
  readonly name: string;
  /** All that are there, the most promising for this process first. Throws STORE_UNAVAILABLE. */
  all(): readonly RecordFile[];
}

const wholeName = "position";

/** `datasets` names what this process holds; null holds all. Whether the disk takes its own is told to `disk`. */
export function createPositionFiles(
  directory: string,
  datasets: readonly string[] | null,
  token: string,
  disk: DiskHealth,
): PositionFiles {
  const name = datasets === null ? wholeName : `${wholeName}.${keyOf(datasets)}`;
  const rank = (file: string): number => (file === name || file === wholeName ? 0 : 1);
  const own = disk.watched(createRecordFile(join(directory, name), token));
  return {
    own,
    name,
    all() {
      const found = list(directory).map((file) => ({ file, atMs: writtenMs(join(directory, file)) }));
      found.sort((a, b) => rank(a.file) - rank(b.file) || b.atMs - a.atMs);
      return found.map(({ file }) => (file === name ? own : createRecordFile(join(directory, file), token)));
    },
  };
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => /^position(\.[0-9a-f]{16})?$/.test(name));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw storeError(error, `the positions in ${directory} could not be listed`);
  }
}

function writtenMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function keyOf(datasets: readonly string[]): string {
  return createHash("sha256")
    .update(JSON.stringify([...datasets].sort()))
    .digest("hex")
    .slice(0, 16);
}
