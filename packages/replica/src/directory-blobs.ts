import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { blobPath, openBlobFile } from "./blob-file.ts";
import { assertBlobName, type Blobs, blobUnknown, isBlobName, proveBlobName } from "./blobs.ts";
import { isErrno, storeError, syncDirectory, writeSynced } from "./files.ts";

/** Up to this size a blob is hashed at once; a trip to another thread would cost more. */
const hashInlineBytesMax = 65_536;

/**
 * Blobs as files of a directory, spread over 256 folders by the first two digits of their names. Other processes may read the
 * same directory; one writes. What an interrupted `put` left is removed here. A file that turns out to be corrupt is renamed to
 * `NAME.corrupt` and kept for whoever wants to know why.
 * Throws STORE_UNAVAILABLE or DISK_FULL where the directory cannot be made.
 */
export function createDirectoryBlobs(directory: string): Blobs {
  const temporary = join(directory, "tmp");
  let temporaries = 0;
  clear(temporary);

  const folderOf = (name: string): string => join(directory, name.slice(0, 2));
  const pathOf = (name: string): string => blobPath(directory, name);
  const has = (name: string): boolean =>
    isBlobName(name) && statSync(pathOf(name), { throwIfNoEntry: false }) !== undefined;

  const makeFolder = async (folder: string): Promise<void> => {
    // Made or there already, only its parent says for good that it is.
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncDirectory(directory);
  };

  const setAside = async (name: string): Promise<void> => {
    await rename(pathOf(name), `${pathOf(name)}.corrupt`).catch(ignoreMissing);
  };

  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    temporaries++;
    const path = join(temporary, `${name}.${process.pid}.${temporaries}`);
    try {
      await makeFolder(folderOf(name));
      await writeSynced(path, bytes);
      await rename(path, pathOf(name));
      await syncDirectory(folderOf(name));
    } catch (error) {
      await rm(path, { force: true }).catch(ignoreMissing);
      throw storeError(error, `blob ${name} could not be written to ${directory}`);
    }
  };

  return {
    has,
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
      if (!has(name)) await write(name, bytes);
    },
    async delete(name) {
      if (!isBlobName(name)) return;
      await rm(pathOf(name), { force: true }).catch((error: unknown) => {
        throw storeError(error, `blob ${name} could not be removed`);
      });
    },
    async list() {
      const names = await readdir(directory, { recursive: true }).catch((error: unknown) => {
        throw storeError(error, `${directory} could not be listed`);
      });
      return names.map((path) => path.slice(3)).filter(isBlobName);
    },
  };
}

function clear(temporary: string): void {
  try {
    mkdirSync(temporary, { recursive: true });
    for (const name of readdirSync(temporary)) rmSync(join(temporary, name), { force: true, recursive: true });
  } catch (error) {
    throw storeError(error, `${temporary} cannot be used to keep blobs in`);
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
