import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { SluiceError } from "@sluice/core";
import { blobUnknown, isBlobName, type OpenBlob } from "./blobs.ts";
import { isErrno, storeError } from "./files.ts";

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

function openFile(name: string, file: number): OpenBlob {
  const { size } = fstatSync(file);
  let open = true;
  return {
    bytes: size,
    read(position, length) {
      const wanted = Math.max(0, Math.min(length, size - position));
      const bytes = Buffer.allocUnsafe(wanted);
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
