import { hash, subtle } from "node:crypto";
import { SluiceError } from "@sluice/core";

/** An open blob, read by position. */
export interface OpenBlob {
  readonly bytes: number;
  /**
   * Reads `length` bytes at `position`, fewer only at the end. What is given may lie in `scratch`, where that has room, and is then
   * good until it is written to again. Throws CORRUPT where the file is shorter than it was.
   */
  read(position: number, length: number, scratch?: Buffer): Uint8Array;
  close(): void;
}

/**
 * Immutable content by name, where the name is the SHA-256 of the bytes in hex: part files, encoded overlays,
 * lists of changed items.
 */
export interface Blobs {
  has(name: string): boolean;
  /** Opens for reading by position, synchronously. Throws BLOB_UNKNOWN. */
  open(name: string): OpenBlob;
  /** Reads a whole blob and proves its name. Throws BLOB_UNKNOWN, or CORRUPT after setting the file aside. */
  read(name: string): Promise<Uint8Array>;
  /**
   * Keeps bytes under their name: temporary file, synced, renamed, directory synced; nothing where it is there already.
   * Throws CORRUPT where the bytes do not have that name, DISK_FULL or STORE_UNAVAILABLE.
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes a blob; who has it open reads on. */
  delete(name: string): Promise<void>;
  /** The names of all blobs, in no particular order, so that what nothing refers to any more can be removed. */
  list(): Promise<readonly string[]>;
}

/** Blobs in a directory that other processes of the host read and write too. */
export interface SharedBlobs extends Blobs {
  /**
   * Says to whoever sweeps that the blob is needed, by the time `atMs` on its file. `gone` where there is no such file, `refused`
   * where this process may not touch it.
   */
  touch(name: string, atMs: number): Promise<"touched" | "gone" | "refused">;
  /** When the blob was written or touched last, as its file says; null where it is not there. Throws STORE_UNAVAILABLE. */
  touchedMs(name: string): Promise<number | null>;
}

/** Whether a text can be the name of a blob: 64 lower-case hex digits, so never a path. */
export function isBlobName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** The error for a blob that is not there. */
export function blobUnknown(name: string, cause?: unknown): SluiceError {
  return new SluiceError("BLOB_UNKNOWN", `there is no blob ${name.slice(0, 80)}`, { details: { blob: name }, cause });
}

/** Throws CORRUPT, naming the blob, where the bytes do not have that name. */
export function assertBlobName(name: string, bytes: Uint8Array): void {
  refuseOtherName(name, bytes, hash("sha256", bytes));
}

/** The same off the main thread: a part of 2 MiB takes up to 10 ms, which an application's requests would wait for. */
export async function proveBlobName(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  refuseOtherName(name, bytes, Buffer.from(await subtle.digest("SHA-256", bytes)).toString("hex"));
}

function refuseOtherName(name: string, bytes: Uint8Array, found: string): void {
  if (found === name) return;
  throw new SluiceError("CORRUPT", `expected blob ${name}, came ${bytes.byteLength} bytes whose SHA-256 is ${found}`, {
    details: { blob: name, found },
  });
}
