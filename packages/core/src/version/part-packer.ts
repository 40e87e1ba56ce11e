import { type PartKind, recordHeaderBytes, viewOf } from "./part.ts";
import { assemblePart, type BuiltLayer } from "./part-assembly.ts";

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
  const source = viewOf(from);
  let recordsBytes = 0;
  for (const at of positions) recordsBytes += crcBytes + recordBytes(source, at);
  return assemblePart(
    kind,
    { recordCount: positions.length, recordsBytes },
    (index, bytes, _view, position) => {
      const at = positions[index] as number;
      const length = recordBytes(source, at);
      bytes.set(from.subarray(at, at + length), position + crcBytes);
      return position + crcBytes + length;
    },
    (index) => keyHashes[index] as number,
  );
}

function recordBytes(view: DataView, at: number): number {
  return packedHeaderBytes + view.getUint32(at) + view.getUint32(at + 4);
}
