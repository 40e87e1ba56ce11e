import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SluiceError } from "@sluice/core";
import { blobUnknown, isBlobName, type OpenBlob } from "./blobs.ts";
import { isErrno, storeError, syncDirectory, writeSynced } from "./files.ts";

/** Where a blob lies in a directory of blobs: in one of 256 folders, by the first two digits of its name. */
export function blobPath(directory: string, name: string): string {
  return join(directory, name.slice(0, 2), name);
}

/**
 * Opens a blob of a directory for reading by position, in whatever process or thread. Throws BLOB_UNKNOWN, or STORE_UNAVAILABLE
 * where the disk does not answer.
 */
export function openBlobFile(directory: string, name: string): OpenBlob {
  if (!isBlobName(name)) throw blobUnknown(name);
  try {
    return openFile(name, openSync(blobPath(directory, name), constants.O_RDONLY));
  } catch (error) {
    throw isErrno(error, "ENOENT") ? blobUnknown(name, error) : storeError(error, `blob ${name} could not be opened`);
  }
}

/** Whether a blob is in a directory. */
export function hasBlobFile(directory: string, name: string): boolean {
  return isBlobName(name) && statSync(blobPath(directory, name), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Writes blobs into a directory, in whatever thread. The bytes are not proved: whoever calls has just hashed them, and hashing
 * a part of 2 MiB takes longer than to write it.
 */
export interface BlobWriter {
  /**
   * Keeps the bytes of `chunks`, one after another, under their name: temporary file, synced, renamed, directory synced; nothing
   * where it is there already. Throws DISK_FULL or STORE_UNAVAILABLE.
   */
  putProven(name: string, chunks: Iterable<Uint8Array>): Promise<void>;
}

/** Where blobs are on their way to their name, and which of them are being fetched. */
export const temporaryFolder = "tmp";

/** Writes into a directory. `token` tells its temporary files apart from those of every other writer there. */
export function createBlobWriter(directory: string, token: string): BlobWriter {
  const temporary = join(directory, temporaryFolder);
  let temporaries = 0;

  const makeFolder = async (folder: string): Promise<void> => {
    // Made or there already, only its parent says for good that it is.
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncDirectory(directory);
  };

  return {
    async putProven(name, chunks) {
      if (hasBlobFile(directory, name)) return;
      temporaries++;
      const begun = join(temporary, `${name}.${token}.${temporaries}`);
      const path = blobPath(directory, name);
      try {
        await makeFolder(dirname(path));
        // Whoever tidies up may have taken it away.
        await mkdir(temporary, { recursive: true });
        await rm(begun, { force: true });
        await writeSynced(begun, chunks);
        await rename(begun, path);
        await syncDirectory(dirname(path));
      } catch (error) {
        await rm(begun, { force: true }).catch(() => {});
        throw storeError(error, `blob ${name} could not be written to ${directory}`);
      }
    },
  };
}

function openFile(name: string, file: number): OpenBlob {
  const { size } = fstatSync(file);
  let open = true;
  return {
    bytes: size,
    read(position, length, scratch) {
      const wanted = Math.max(0, Math.min(length, size - position));
      const fits = scratch !== undefined && wanted <= scratch.length;
      const bytes = fits ? scratch.subarray(0, wanted) : Buffer.allocUnsafe(wanted);
      let done = 0;
      while (done < wanted) {
        const count = readSync(file, bytes, done, wanted - done, position + done);
        if (count === 0) {
          throw new SluiceError(
            "CORRUPT",
            `blob ${name} ends at byte ${position + done}, it had ${size}; fetch it again`,
            {
              details: { blob: name, position: position + done },
            },
          );
        }
        done += count;
      }
      return bytes;
    },
    close() {
      if (open) closeSync(file);
      open = false;
    },
  };
}
