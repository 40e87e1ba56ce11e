import { packedHeaderBytes } from "@sluice/core";

/*
 * A record of the spool, integers big-endian and unsigned, four bytes each: key hash, line; then a packed record as a part is
 * built of: length of the value, length of the key, the key and the canonical text of the value in UTF-8. A value of no bytes
 * stands for an item that was refused for its size: its key counts where keys are compared.
 */

/** Bytes before the packed record. */
export const spoolPrefixBytes = 8;

/** Bytes before the key. */
export const spoolHeaderBytes: number = spoolPrefixBytes + packedHeaderBytes;

/** Writes the header of a record at a position. */
export function writeSpoolHeader(
  view: DataView,
  position: number,
  record: { readonly keyHash: number; readonly line: number; readonly keyBytes: number; readonly valueBytes: number },
): void {
  view.setUint32(position, record.keyHash);
  view.setUint32(position + 4, record.line);
  view.setUint32(position + 8, record.valueBytes);
  view.setUint32(position + 12, record.keyBytes);
}

/** Where the packed record at a position ends. */
export function packedEnd(view: DataView, position: number): number {
  return position + packedHeaderBytes + view.getUint32(position) + view.getUint32(position + 4);
}

/** A view of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** These bytes as a buffer over the same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
