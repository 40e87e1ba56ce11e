import { crc32 } from "node:zlib";
import { SluiceError } from "../error.ts";
import { createContentHash } from "./content-hash.ts";
import {
  fillSlot,
  type PartKind,
  partBytesMax,
  partHeaderBytes,
  partNameOf,
  recordHeaderBytes,
  slotBytes,
  slotCountFor,
  viewOf,
  writePartHeader,
} from "./part.ts";
import type { BuiltLayer } from "./part-builder.ts";

/**
 * Items as bytes, in the order of a part: by key hash, then by key in UTF-16 order. At each position stand the length of the
 * value and that of the key (four bytes each, big-endian), then the key and the canonical text of the value in UTF-8.
 */
export interface PackedRecords {
  readonly bytes: Uint8Array;
  /** Where each of them begins. */
  readonly positions: Uint32Array;
  /** MurmurHash3 of the key of each. */
  readonly keyHashes: Uint32Array;
}

/** Bytes of such a record before its key. */
export const packedHeaderBytes = 8;

const crcBytes = recordHeaderBytes - packedHeaderBytes;

/**
 * Builds a part or a layer of records that are sorted, each key once, and known to be good: the bytes that `buildPart` and
 * `buildLayer` give, without making a string of anything. A value of no bytes stands for an item that a layer removes.
 * Throws LIMIT_EXCEEDED past 4 GiB.
 */
export function packRecords(kind: PartKind, { bytes: from, positions, keyHashes }: PackedRecords): BuiltLayer {
  const recordCount = positions.length;
  const slotCount = slotCountFor(recordCount);
  const tableEnd = partHeaderBytes + slotCount * slotBytes;
  const source = viewOf(from);
  let byteLength = tableEnd;
  for (const at of positions) byteLength += crcBytes + recordBytes(source, at);
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
    const at = positions[index] as number;
    const end = position + crcBytes + recordBytes(source, at);
    bytes.set(from.subarray(at, at + end - position - crcBytes), position + crcBytes);
    view.setUint32(position, crc32(bytes.subarray(position + crcBytes, end)));
    fillSlot(view, slotCount, keyHashes[index] as number, position);
    if (view.getUint32(position + crcBytes) !== 0) {
      content.addItem(bytes.subarray(position + packedHeaderBytes, end));
      itemCount++;
    }
    position = end;
  }
  const contentHash = content.hex();
  writePartHeader(bytes, { kind, recordCount, slotCount, byteLength, contentHash });
  return { bytes, name: partNameOf(bytes), recordCount, itemCount, contentHash };
}

function recordBytes(view: DataView, at: number): number {
  return packedHeaderBytes + view.getUint32(at) + view.getUint32(at + 4);
}
