import { open } from "node:fs/promises";
import { SluiceError } from "@sluice/core";

/** Whether something thrown is an error of the operating system with one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/**
 * A failed write or read as an error of Sluice: DISK_FULL where no room or quota is left, else STORE_UNAVAILABLE. What the system
 * did not say is a programmer's error, which nobody may take for a disk that fails: it is thrown.
 */
export function storeError(error: unknown, what: string): SluiceError {
  if (error instanceof SluiceError) return error;
  if (!(error instanceof Error) || !("code" in error)) throw error;
  const reason = error.message;
  return isErrno(error, "ENOSPC", "EDQUOT", "EFBIG")
    ? new SluiceError("DISK_FULL", `${what}: no room is left on the disk`, { cause: error })
    : new SluiceError("STORE_UNAVAILABLE", `${what}: ${reason}`, { cause: error });
}

/** Writes a new file, one chunk after another, and waits until the disk has it. */
export async function writeSynced(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, "wx");
  try {
    for (const chunk of chunks) {
      for (let written = 0; written < chunk.length; ) {
        written += (await file.write(chunk, written, chunk.length - written)).bytesWritten;
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until the disk has the names of a directory, so that a rename survives the loss of power. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
