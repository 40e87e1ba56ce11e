import { mkdirSync, statSync } from "node:fs";
import { readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { blobPath, createBlobWriter, hasBlobFile, openBlobFile, temporaryFolder } from "./blob-file.ts";
import { assertBlobName, blobUnknown, isBlobName, proveBlobName, type SharedBlobs } from "./blobs.ts";
import { isErrno, storeError } from "./files.ts";

/** Up to this size a blob is hashed at once; a trip to another thread would cost more. */
const hashInlineBytesMax = 65_536;

/**
 * Blobs as files of a directory, spread over 256 folders by the first two digits of their names. Any number of processes, threads and
 * containers may read and write the same directory; `token` tells their temporary files apart, one process may do without. A file that turns out to be corrupt
 * is renamed to `NAME.corrupt` and kept for whoever wants to know why. A directory that is there and cannot be written to is read.
 * Throws STORE_UNAVAILABLE where there is no directory and none can be made.
 */
export function createDirectoryBlobs(directory: string, token = "alone"): SharedBlobs {
  const temporary = join(directory, temporaryFolder);
  const writer = createBlobWriter(directory, token);
  makeOrUse(directory, temporary);

  const pathOf = (name: string): string => blobPath(directory, name);

  const setAside = async (name: string): Promise<void> => {
    await rename(pathOf(name), `${pathOf(name)}.corrupt`).catch(ignoreMissing);
  };

  return {
    has: (name) => hasBlobFile(directory, name),
    open: (name) => openBlobFile(directory, name),
    async read(name) {
      if (!isBlobName(name)) throw blobUnknown(name);
      const bytes = await readFile(pathOf(name)).catch((error: unknown) => {
        throw isErrno(error, "ENOENT") ? blobUnknown(name, error) : storeError(error, `blob ${name} could not be read`);
      });
      try {
        await prove(name, bytes);
      } catch (error) {
        await setAside(name);
        throw error;
      }
      return bytes;
    },
    async put(name, bytes) {
      await prove(name, bytes);
      await writer.putProven(name, [bytes]);
    },
    async delete(name) {
      if (!isBlobName(name)) return;
      await rm(pathOf(name), { force: true }).catch((error: unknown) => {
        throw storeError(error, `blob ${name} could not be removed`);
      });
    },
    async list() {
      const names = await readdir(directory, { recursive: true }).catch((error: unknown) => {
        if (isErrno(error, "ENOENT")) return [];
        throw storeError(error, `${directory} could not be listed`);
      });
      return names.map((path) => path.slice(3)).filter(isBlobName);
    },
    async touch(name, atMs) {
      try {
        await utimes(pathOf(name), atMs / 1_000, atMs / 1_000);
        return "touched";
      } catch (error) {
        // Files of another user, or of a directory that is mounted read-only, cannot be touched.
        return isErrno(error, "ENOENT", "ENOTDIR") ? "gone" : "refused";
      }
    },
    touchedMs: (name) => touchedMs(pathOf(name)),
  };
}

function makeOrUse(directory: string, temporary: string): void {
  try {
    mkdirSync(temporary, { recursive: true });
  } catch (error) {
    // There may be room later, and what can only be read is read.
    const mayDo = isErrno(error, "ENOSPC", "EDQUOT");
    if (!mayDo && !(isErrno(error, "EROFS", "EACCES", "EPERM") && existsNow(directory)))
      throw storeError(error, `${temporary} cannot be used to keep blobs in`);
  }
}

function existsNow(directory: string): boolean {
  return statSync(directory, { throwIfNoEntry: false }) !== undefined;
}

/** When a file was written or touched last; null where there is none. */
async function touchedMs(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return null;
    throw storeError(error, `${path} could not be looked at`);
  }
}

async function prove(name: string, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength <= hashInlineBytesMax || !isBacked(bytes)) assertBlobName(name, bytes);
  else await proveBlobName(name, bytes);
}

// The bytes of a shared buffer may change while another thread hashes them.
function isBacked(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}

function ignoreMissing(error: unknown): void {
  if (!isErrno(error, "ENOENT")) throw storeError(error, "a file could not be moved out of the way");
}
