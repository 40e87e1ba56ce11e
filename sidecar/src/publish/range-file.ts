import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { isSluiceError, SluiceError } from "@sluice/core";

/** Bytes that are appended, and later read back whole. */
export interface RangeFile {
  append(bytes: Buffer): Promise<void>;
  read(): Promise<Buffer>;
  close(): Promise<void>;
}

/** Keeps the bytes in memory. */
export function createMemoryRange(): RangeFile {
  const chunks: Buffer[] = [];
  return {
    append(bytes) {
      chunks.push(Buffer.from(bytes));
      return Promise.resolve();
    },
    read: () => Promise.resolve(Buffer.concat(chunks)),
    close() {
      chunks.length = 0;
      return Promise.resolve();
    },
  };
}

/** Keeps the bytes in a file that must not exist; it is made with the first of them. Throws DISK_FULL or STORE_UNAVAILABLE. */
export function createFileRange(path: string): RangeFile {
  let file: FileHandle | undefined;
  let bytes = 0;
  return {
    append: (chunk) =>
      onDisk(async () => {
        file ??= await open(path, "wx+", 0o600);
        for (let written = 0; written < chunk.length; ) {
          const { bytesWritten } = await file.write(chunk, written, chunk.length - written, bytes);
          written += bytesWritten;
          bytes += bytesWritten;
        }
      }),
    read: () =>
      onDisk(async () => {
        const whole = Buffer.allocUnsafe(bytes);
        for (let at = 0; at < bytes; ) {
          const { bytesRead } = (await file?.read(whole, at, bytes - at, at)) ?? { bytesRead: 0 };
          if (bytesRead === 0) throw new SluiceError("CORRUPT", `${path} became shorter while an upload lay in it`);
          at += bytesRead;
        }
        return whole;
      }),
    close: () => onDisk(async () => file?.close()),
  };
}

/** Says DISK_FULL or STORE_UNAVAILABLE where the disk does not do what it should. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSluiceError(error)) throw error;
    const full = error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
    throw full
      ? new SluiceError("DISK_FULL", "the disk is full, so the upload could not be taken; nothing was kept", {
          cause: error,
        })
      : new SluiceError("STORE_UNAVAILABLE", "the upload could not be kept while it is compared", { cause: error });
  }
}
