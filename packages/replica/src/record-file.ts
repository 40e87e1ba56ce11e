import { hash, subtle } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SluiceError } from "@sluice/core";
import { isErrno, storeError, syncDirectory, writeSynced } from "./files.ts";

/** One text in one file: either whole and as it was written, or not there. */
export interface RecordFile {
  /** The text; null where nothing was written yet. Throws CORRUPT where the file is not what was written, STORE_UNAVAILABLE. */
  read(): Promise<string | null>;
  /** Takes the place of what was there, at once and for good: the disk has it when this ends. Throws DISK_FULL or STORE_UNAVAILABLE. */
  write(text: string): Promise<void>;
  /** What changes whenever the file is another one; null where there is none. */
  stamp(): string | null;
  /** Removes the file. */
  remove(): Promise<void>;
}

/** Up to this size a record is hashed at once; a trip to another thread would cost more. */
const hashInlineBytesMax = 65_536;

/** A SHA-256 in hex and the end of its line. */
const sealBytes = 65;

/**
 * A record at a path; its folder is made when it is first written. Two writes at a time follow each other; `token` tells the
 * temporary files of processes apart.
 */
export function createRecordFile(path: string, token: string): RecordFile {
  const directory = dirname(path);
  let writing: Promise<void> = Promise.resolve();

  const write = async (text: string): Promise<void> => {
    const temporary = `${path}.${token}.tmp`;
    try {
      await mkdir(directory, { recursive: true });
      await rm(temporary, { force: true });
      await writeSynced(temporary, [await sealed(text)]);
      await rename(temporary, path);
      await syncDirectory(directory);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw storeError(error, `${path} could not be written`);
    }
  };

  return {
    async read() {
      let bytes: Buffer;
      try {
        // Without another thread: a start has nothing else to do, and each trip to one would make it wait on a busy host.
        bytes = readFileSync(path);
      } catch (error) {
        if (isErrno(error, "ENOENT")) return null;
        throw storeError(error, `${path} could not be read`);
      }
      return unsealed(path, bytes);
    },
    write(text) {
      // A failed write is its caller's; the next one is not held up by it.
      const written = writing.then(() => write(text));
      writing = written.catch(() => {});
      return written;
    },
    stamp() {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined ? null : `${found.ino} ${found.mtimeMs} ${found.size}`;
    },
    remove: () => rm(path, { force: true }),
  };
}

/** The text and, on a line of its own, the SHA-256 of all that stands before it. */
async function sealed(text: string): Promise<Buffer> {
  const bodyBytes = Buffer.byteLength(text) + 1;
  const bytes = Buffer.from(new ArrayBuffer(bodyBytes + sealBytes));
  bytes.write(`${text}\n`);
  bytes.write(`${await digestOf(bytes.subarray(0, bodyBytes))}\n`, bodyBytes);
  return bytes;
}

/** SHA-256 in hex, of much in another thread: a position of a megabyte takes 5 ms, which an application's requests would wait for. */
async function digestOf(bytes: Buffer<ArrayBuffer>): Promise<string> {
  if (bytes.byteLength <= hashInlineBytesMax) return hash("sha256", bytes);
  return Buffer.from(await subtle.digest("SHA-256", bytes)).toString("hex");
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

/** Removes what writers of records in a directory have left who were killed before `beforeMs`. */
export async function removeTemporaries(directory: string, beforeMs: number): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((each) => each.endsWith(".tmp"))) {
    const path = join(directory, name);
    const left = await stat(path).catch(() => null);
    if (left !== null && left.mtimeMs < beforeMs) await rm(path, { force: true }).catch(() => {});
  }
}
