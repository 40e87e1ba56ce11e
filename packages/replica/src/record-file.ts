import { hash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SluiceError } from "@sluice/core";
import { isErrno, storeError, syncDirectory, writeSynced } from "./files.ts";

/** One text in one file: either whole and as it was written, or not there. */
export interface RecordFile {
  /** The text; null where nothing was written yet. Throws CORRUPT where the file is not what was written, STORE_UNAVAILABLE. */
  read(): Promise<string | null>;
  /** Takes the place of what was there, at once and for good: the disk has it when this ends. Throws DISK_FULL or STORE_UNAVAILABLE. */
  write(text: string): Promise<void>;
  /** Removes the file. */
  remove(): Promise<void>;
}

/** A SHA-256 in hex and the end of its line. */
const sealBytes = 65;

/** A record at a path; its folder is made when it is first written. Two writes at a time follow each other. */
export function createRecordFile(path: string): RecordFile {
  const directory = dirname(path);
  let writing: Promise<void> = Promise.resolve();

  const write = async (text: string): Promise<void> => {
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      await mkdir(directory, { recursive: true });
      await rm(temporary, { force: true });
      await writeSynced(temporary, Buffer.from(sealed(text)));
      await rename(temporary, path);
      await syncDirectory(directory);
    } catch (error) {
      throw storeError(error, `${path} could not be written`);
    }
  };

  return {
    async read() {
      await removeTemporaries(path);
      const bytes = await readFile(path).catch((error: unknown) => {
        if (isErrno(error, "ENOENT")) return null;
        throw storeError(error, `${path} could not be read`);
      });
      return bytes === null ? null : unsealed(path, bytes);
    },
    write(text) {
      // A failed write is its caller's; the next one is not held up by it.
      const written = writing.then(() => write(text));
      writing = written.catch(() => {});
      return written;
    },
    remove: () => rm(path, { force: true }),
  };
}

/** The text and, on a line of its own, the SHA-256 of all that stands before it. */
function sealed(text: string): string {
  const body = `${text}\n`;
  return `${body}${hash("sha256", body)}\n`;
}

function unsealed(path: string, bytes: Buffer): string {
  const bodyBytes = bytes.byteLength - sealBytes;
  const body = bytes.subarray(0, Math.max(0, bodyBytes));
  if (bodyBytes < 1 || bytes.subarray(bodyBytes).toString("latin1") !== `${hash("sha256", body)}\n`) {
    throw new SluiceError("CORRUPT", `${path} is not what was written to it; it will be fetched again`, {
      details: { path },
    });
  }
  return body.subarray(0, -1).toString("utf8");
}

/** What writers that were killed have left. */
async function removeTemporaries(path: string): Promise<void> {
  const directory = dirname(path);
  const names = await readdir(directory).catch(() => []);
  const left = names.filter((name) => name.startsWith(`${basename(path)}.`) && name.endsWith(".tmp"));
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })));
}
