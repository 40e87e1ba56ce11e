import { readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isBlobName } from "./blobs.ts";
import { storeError } from "./files.ts";

/** For how long a damaged copy is kept for whoever wants to know why, in milliseconds: a week. */
export const corruptKeptMs = 604_800_000;

/** How many of them are kept at most, the newest. */
export const corruptKeptMax = 64;

/** Nobody takes longer than this to write one file, in milliseconds: an hour. */
export const temporaryKeptMs = 3_600_000;

/** What a directory of blobs holds. */
export interface BlobSpace {
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Removes what is no blob from a directory of blobs: damaged copies that were set aside, and files that were begun and never
 * finished. `nowMs` is the time of day that files are dated with. Answers what is left. Throws STORE_UNAVAILABLE.
 */
export async function tidyBlobs(directory: string, nowMs: number): Promise<BlobSpace> {
  try {
    const files = await filesIn(directory);
    const blobs = files.filter(({ path }) => isBlobName(basename(path)));
    const corrupt = files.filter(({ path }) => path.endsWith(".corrupt")).sort((a, b) => b.atMs - a.atMs);
    const begun = files.filter(({ path }) => basename(join(path, "..")) === "tmp");
    const litter = [
      ...corrupt.filter(({ atMs }, index) => index >= corruptKeptMax || nowMs - atMs > corruptKeptMs),
      ...begun.filter(({ atMs }) => nowMs - atMs > temporaryKeptMs),
    ];
    for (const { path } of litter) await rm(path, { force: true });
    return { blobs: blobs.length, bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0) };
  } catch (error) {
    throw storeError(error, `${directory} could not be tidied`);
  }
}

interface DatedFile {
  readonly path: string;
  readonly atMs: number;
  readonly bytes: number;
}

async function filesIn(directory: string): Promise<readonly DatedFile[]> {
  const files: DatedFile[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // One that was renamed into its place or removed meanwhile is not there.
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) files.push({ path, atMs: found.mtimeMs, bytes: found.size });
  }
  return files;
}
