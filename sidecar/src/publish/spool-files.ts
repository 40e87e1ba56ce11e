import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isSluiceError, SluiceError } from "@sluice/core";

/**
 * What an upload is kept in while it is compared: names, to each of which bytes are appended, and which are read back whole.
 * Synchronous, because it is used in threads that have nothing else to do.
 */
export interface SpoolFiles {
  append(name: string, bytes: Uint8Array): void;
  /** All bytes of the names, one after another; of a name that nothing was appended to, none. */
  read(names: readonly string[]): Buffer;
  /** Gives up bytes that were read: they may be tens of megabytes a second, which nobody would collect in time. */
  release(bytes: Buffer): void;
  /** Lets go of what it holds; what it has written stays where others can read it. */
  close(): void;
}

/** Keeps the bytes in memory: for tests and the simulation. */
export function createMemorySpoolFiles(): SpoolFiles {
  const chunks = new Map<string, Buffer[]>();
  return {
    append(name, bytes) {
      const held = chunks.get(name) ?? [];
      chunks.set(name, held);
      held.push(Buffer.from(bytes));
    },
    read: (names) => Buffer.concat(names.flatMap((name) => chunks.get(name) ?? [])),
    release: () => {},
    close: () => {},
  };
}

/** Keeps the bytes in files of a directory, which must not be there yet. Throws DISK_FULL, STORE_UNAVAILABLE or CORRUPT. */
export function createSpoolFiles(directory: string): SpoolFiles {
  const writing = new Map<string, number>();
  const pathOf = (name: string): string => join(directory, name);

  return {
    append: (name, bytes) =>
      onDisk(() => {
        const file = writing.get(name) ?? openSync(pathOf(name), "wx", 0o600);
        writing.set(name, file);
        for (let written = 0; written < bytes.length; ) {
          written += writeSync(file, bytes, written, bytes.length - written);
        }
      }),
    read: (names) => onDisk(() => readFiles(names.map(pathOf))),
    release: free,
    close() {
      for (const file of writing.values()) closeSync(file);
      writing.clear();
    },
  };
}

function readFiles(paths: readonly string[]): Buffer {
  const files = paths.map(openOrNone).filter((file) => file !== undefined);
  try {
    const lengths = files.map((file) => fstatSync(file).size);
    const all = Buffer.allocUnsafeSlow(lengths.reduce((sum, length) => sum + length, 0));
    let end = 0;
    for (const [index, file] of files.entries()) {
      end += lengths[index] as number;
      for (let at = end - (lengths[index] as number); at < end; ) {
        const count = readSync(file, all, at, end - at, null);
        if (count === 0)
          throw new SluiceError("CORRUPT", "an upload became shorter while it was compared; send it again");
        at += count;
      }
    }
    return all;
  } finally {
    for (const file of files) closeSync(file);
  }
}

function openOrNone(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Frees the memory of bytes at once, which must be nobody else's. */
export function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** Says DISK_FULL or STORE_UNAVAILABLE where the disk does not do what it should. */
export function onDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw spoolError(error);
  }
}

/** A failed write or read of the spool as an error of Sluice. */
export function spoolError(error: unknown): SluiceError {
  if (isSluiceError(error)) return error;
  const full = error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
  return full
    ? new SluiceError(
        "DISK_FULL",
        "the disk is full, so nothing could be worked out on it and nothing was kept; free some, and give it again",
        {
          cause: error,
        },
      )
    : new SluiceError("STORE_UNAVAILABLE", "the disk did not keep what was being compared", { cause: error });
}
