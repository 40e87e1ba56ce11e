import { open } from "node:fs/promises";
import { SluiceError } from "@sluice/core";

/** Whether something thrown is an error of the operating system with one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/** A failed write or read as an error of Sluice: DISK_FULL where no room or quota is left, else STORE_UNAVAILABLE. */
export function storeError(error: unknown, what: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return isErrno(error, "ENOSPC", "EDQUOT", "EFBIG")
    ? new SluiceError("DISK_FULL", `${what}: no room is left on the disk`, { cause: error })
    : new SluiceError("STORE_UNAVAILABLE", `${what}: ${reason}`, { cause: error });
}

/** Writes a new file and waits until the disk has it. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
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
