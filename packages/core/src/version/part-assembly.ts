import { crc32 } from "node:zlib";
import { SluiceError } from "../error.ts";
import { createContentHash } from "./content-hash.ts";
import {
  fillSlot,
  type PartKind,
  partBytesMax,
  partHeaderBytes,
  partNameOf,
  slotBytes,
  slotCountFor,
  viewOf,
  writePartHeader,
} from "./part.ts";

/** A layer in memory. */
export interface BuiltLayer {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, 64 hex digits. */
  readonly name: string;
  /** Items set and removed together. */
  readonly recordCount: number;
  /** Items set. */
  readonly itemCount: number;
  /** Content hash of the items set, 64 hex digits. */
  readonly contentHash: string;
}

/** How many records a file has, and how many bytes they take. */
export interface RecordTotals {
  readonly recordCount: number;
  readonly recordsBytes: number;
}

/**
 * Puts a part or a layer together of records in its order. `write` writes a record from its lengths on, all but the CRC-32 before them,
 * and gives where it ends; `keyHashOf` gives the hash of its key. Throws LIMIT_EXCEEDED past 4 GiB.
 */
export function assemblePart(
  kind: PartKind,
  { recordCount, recordsBytes }: RecordTotals,
  write: (index: number, bytes: Uint8Array, view: DataView, position: number) => number,
  keyHashOf: (index: number) => number,
): BuiltLayer {
  const slotCount = slotCountFor(recordCount);
  const tableEnd = partHeaderBytes + slotCount * slotBytes;
  const byteLength = tableEnd + recordsBytes;
  if (byteLength > partBytesMax) {
    throw new SluiceError(
      "LIMIT_EXCEEDED",
      `a part file holds at most ${partBytesMax} bytes, these items need ${byteLength}`,
    );
  }
  const bytes = new Uint8Array(byteLength);
  const view = viewOf(bytes);
  const content = createContentHash();
  let itemCount = 0;
  let position = tableEnd;
  for (let index = 0; index < recordCount; index++) {
    const end = write(index, bytes, view, position);
    view.setUint32(position, crc32(bytes.subarray(position + 4, end)));
    fillSlot(view, slotCount, keyHashOf(index), position);
    // A value of no bytes stands for an item that a layer removes.
    if (view.getUint32(position + 4) !== 0) {
      content.addItem(bytes.subarray(position + 8, end));
      itemCount++;
    }
    position = end;
  }
  const contentHash = content.hex();
  writePartHeader(bytes, { kind, recordCount, slotCount, byteLength, contentHash });
  return { bytes, name: partNameOf(bytes), recordCount, itemCount, contentHash };
}
