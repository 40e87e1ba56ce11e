import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { SluiceError } from "../error.ts";

/*
 * A part file, all integers big-endian and unsigned:
 *
 *   header   56 bytes   "SLCP", format version, record count, slot count, length of the file in bytes (four bytes each),
 *                       content hash of the items (32 bytes), CRC-32 of the header before it and the table
 *   table    8 a slot   key hash, position of the record from the start of the file; position 0 is an empty slot.
 *                       A key is looked for from slot `key hash % slot count` on, round the end, up to an empty slot
 *   records             CRC-32 of the rest of the record, length of the value, length of the key (four bytes each),
 *                       key in UTF-8, canonical JSON text of the value in UTF-8
 *
 * From the key's length on, a record is what the content hash covers. Records stand by key hash, then by key in UTF-16
 * order, and enter the table in that order, so the same items give the same bytes anywhere.
 *
 * A layer is such a file with "SLCL" in the place of "SLCP". It holds what lies over parts: a record with a value of no bytes
 * stands for an item that was removed, and the content hash is that of the items that have a value.
 */

/** The two kinds of file: items of a base, and items set or removed over what lies beneath. */
export type PartKind = "part" | "layer";

/** Bytes of a part file's header. */
export const partHeaderBytes = 56;

/** Bytes of a slot in the hash table. */
export const slotBytes = 8;

/** Bytes of a record before its key. */
export const recordHeaderBytes = 12;

/** How big a part should be: 2 MiB. */
const partBytesTargetDefault: number = 2 * 1024 * 1024;

/** The most parts that a base is split into. */
const partCountMax: number = 1 << 16;

/** The most bytes of one part file: positions are 32 bits. */
export const partBytesMax = 0xffff_ffff;

const magics: Readonly<Record<PartKind, number>> = { part: 0x534c_4350, layer: 0x534c_434c };
const formatVersion = 1;
const crcPosition = 52;

/** What the header of a part file says. */
export interface PartHeader {
  readonly kind: PartKind;
  readonly recordCount: number;
  readonly slotCount: number;
  /** Length of the file in bytes. */
  readonly byteLength: number;
  /** Content hash of the file's items, 64 hex digits. */
  readonly contentHash: string;
  /** CRC-32 of the header before it and of the table. */
  readonly crc: number;
}

/** The hash table in memory: key hash and record position by turns. */
export type PartTable = Uint32Array;

/** Which of `partCount` parts (a power of two, at most 65,536) holds the keys with this hash: equal ranges of the 32-bit hash. */
export function partIndexOf(keyHash: number, partCount: number): number {
  return Math.floor((keyHash * partCount) / 0x1_0000_0000);
}

/**
 * How many parts a base of so many bytes is split into: the smallest power of two with which the parts are on average no
 * bigger than `partBytesTarget` (default 2 MiB), at most 65,536.
 */
export function partCountFor(totalBytes: number, partBytesTarget: number = partBytesTargetDefault): number {
  let count = 1;
  while (count < partCountMax && totalBytes > count * partBytesTarget) count *= 2;
  return count;
}

/** Slots for so many records: a load of three quarters at most, so that a search always meets an empty slot. */
export function slotCountFor(recordCount: number): number {
  return Math.ceil((recordCount * 4) / 3);
}

/** The name of a part file: the SHA-256 of its bytes, 64 hex digits. */
export function partNameOf(bytes: Uint8Array): string {
  return hash("sha256", bytes);
}

/** Writes the header into a file whose table is complete. */
export function writePartHeader(bytes: Uint8Array, header: Omit<PartHeader, "crc">): void {
  const view = viewOf(bytes);
  view.setUint32(0, magics[header.kind]);
  view.setUint32(4, formatVersion);
  view.setUint32(8, header.recordCount);
  view.setUint32(12, header.slotCount);
  view.setUint32(16, header.byteLength);
  for (let word = 0; word < 8; word++) {
    view.setUint32(20 + 4 * word, Number.parseInt(header.contentHash.slice(8 * word, 8 * word + 8), 16));
  }
  view.setUint32(crcPosition, headCrc(bytes, header.slotCount));
}

/**
 * Reads the first 56 bytes of a part or a layer. Throws CORRUPT where they are none, or where the counts cannot be those of a
 * file of that length, so that a table of the size that they name may be allocated.
 */
export function parsePartHeader(bytes: Uint8Array): PartHeader {
  if (bytes.length < partHeaderBytes) throw corruptPart(`expected a header of 56 bytes, came ${bytes.length}`, 0);
  const view = viewOf(bytes);
  const kind = kindOf(view.getUint32(0));
  const version = view.getUint32(4);
  if (version !== formatVersion) throw corruptPart(`expected format version ${formatVersion}, came ${version}`, 4);
  const recordCount = view.getUint32(8);
  const slotCount = view.getUint32(12);
  const byteLength = view.getUint32(16);
  const bytesMin = partHeaderBytes + slotCount * slotBytes + recordCount * recordBytesMin(kind);
  if (slotCount !== slotCountFor(recordCount) || byteLength < bytesMin) {
    throw corruptPart(
      `expected counts that agree, came ${recordCount} records and ${slotCount} slots in ${byteLength} bytes`,
      8,
    );
  }
  let contentHash = "";
  for (let word = 0; word < 8; word++)
    contentHash += view
      .getUint32(20 + 4 * word)
      .toString(16)
      .padStart(8, "0");
  return { kind, recordCount, slotCount, byteLength, contentHash, crc: view.getUint32(crcPosition) };
}

/**
 * Reads bytes of a file by position. It may answer with a view of a buffer that the next call writes to again, and with
 * fewer bytes only at the end of the file.
 */
export type PositionalRead = (position: number, length: number) => Uint8Array;

/** Reads the header of a file of `byteLength` bytes. Throws CORRUPT where it is not one of that kind and length. */
export function readPartHeader(kind: PartKind, read: PositionalRead, byteLength: number): PartHeader {
  const header = parsePartHeader(read(0, Math.min(partHeaderBytes, byteLength)));
  if (header.kind !== kind) throw corruptPart(`expected a ${kind}, came a ${header.kind}`, 0);
  if (header.byteLength !== byteLength) {
    throw corruptPart(`expected ${header.byteLength} bytes as the header says, came a file of ${byteLength}`, 16);
  }
  return header;
}

/**
 * Reads the hash table from a file's header and table together (`partHeaderBytes + slotCount * slotBytes` bytes).
 * Throws CORRUPT where the CRC over both is wrong, a position lies outside of the records, or the number of records is another.
 */
export function parsePartTable(header: PartHeader, head: Uint8Array): PartTable {
  const tableEnd = partHeaderBytes + header.slotCount * slotBytes;
  if (head.length < tableEnd)
    throw corruptPart(`expected ${tableEnd} bytes of header and table, came ${head.length}`, 0);
  if (headCrc(head, header.slotCount) !== header.crc)
    throw corruptPart("the CRC-32 of header and table is wrong", crcPosition);
  const view = viewOf(head);
  const table = new Uint32Array(header.slotCount * 2);
  const positionMax = header.byteLength - recordBytesMin(header.kind);
  let records = 0;
  for (let index = 0; index < table.length; index += 2) {
    const at = partHeaderBytes + index * 4;
    const position = view.getUint32(at + 4);
    if (position === 0) continue;
    if (position < tableEnd || position > positionMax) throw corruptPart(`a slot names position ${position}`, at);
    table[index] = view.getUint32(at);
    table[index + 1] = position;
    records++;
  }
  if (records !== header.recordCount)
    throw corruptPart(`expected ${header.recordCount} records in the table, came ${records}`, 8);
  return table;
}

function kindOf(magic: number): PartKind {
  if (magic === magics.part) return "part";
  if (magic === magics.layer) return "layer";
  throw corruptPart("expected the mark of a part file, came something else", 0);
}

/** A record has a key of a byte at least, and in a part a value of one. */
function recordBytesMin(kind: PartKind): number {
  return recordHeaderBytes + (kind === "part" ? 2 : 1);
}

/** Puts a record into the first free slot from its own on. */
export function fillSlot(view: DataView, slotCount: number, keyHash: number, position: number): void {
  let slot = keyHash % slotCount;
  while (view.getUint32(partHeaderBytes + slot * slotBytes + 4) !== 0) slot = slot + 1 === slotCount ? 0 : slot + 1;
  view.setUint32(partHeaderBytes + slot * slotBytes, keyHash);
  view.setUint32(partHeaderBytes + slot * slotBytes + 4, position);
}

/** The error for a part file that is not what it says, with the position in the file. */
export function corruptPart(reason: string, position: number): SluiceError {
  return new SluiceError("CORRUPT", `corrupt part file: ${reason}, at byte ${position}`, {
    details: { position },
  });
}

/** A view of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function headCrc(bytes: Uint8Array, slotCount: number): number {
  const header = crc32(bytes.subarray(0, crcPosition));
  return crc32(bytes.subarray(partHeaderBytes, partHeaderBytes + slotCount * slotBytes), header);
}
