import { crc32 } from "node:zlib";
import { murmur3Bytes } from "./murmur3.ts";
import {
  corruptPart,
  type PartHeader,
  type PartKind,
  parsePartTable,
  type PositionalRead,
  partHeaderBytes,
  readPartHeader,
  recordHeaderBytes,
  slotBytes,
  viewOf,
} from "./part.ts";

/** Walks through the records of a part or a layer in their order, as bytes. What it shows is good until the next `next`. */
export interface RecordCursor {
  /** Goes to the next record; false after the last. Throws CORRUPT where there is none that holds together. */
  next(): boolean;
  readonly keyHash: number;
  readonly bytes: Uint8Array;
  /** Where the length of the key begins, from which on a record is what `itemHash` is over; then key, then value. */
  readonly itemStart: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly end: number;
  /** Throws CORRUPT where the record's CRC-32 is wrong. Not part of `next`: what is equal to good bytes needs no proof. */
  check(): void;
}

const blockBytes = 256 * 1024;

/**
 * Opens a file of `byteLength` bytes before its first record whose key has at least the hash `from`. Throws CORRUPT on what
 * is not such a file.
 */
export function openRecordCursor(kind: PartKind, read: PositionalRead, byteLength: number, from = 0): RecordCursor {
  const header = readPartHeader(kind, read, byteLength);
  const start = partHeaderBytes + header.slotCount * slotBytes;
  return new Cursor(read, header, from === 0 ? start : positionFrom(header, read(0, start), from));
}

/** Where the first record stands whose key has at least a hash. */
function positionFrom(header: PartHeader, head: Uint8Array, from: number): number {
  const table = parsePartTable(header, head);
  let first = header.byteLength;
  for (let slot = 0; slot < table.length; slot += 2) {
    const position = table[slot + 1] as number;
    if (position !== 0 && position < first && (table[slot] as number) >= from) first = position;
  }
  return first;
}

class Cursor implements RecordCursor {
  keyHash = 0;
  bytes: Uint8Array = new Uint8Array(0);
  itemStart = 0;
  keyStart = 0;
  keyEnd = 0;
  end = 0;
  private readonly read: PositionalRead;
  private readonly header: PartHeader;
  private view: DataView = viewOf(this.bytes);
  /** Where `bytes` begins in the file. */
  private position: number;

  constructor(read: PositionalRead, header: PartHeader, position: number) {
    this.read = read;
    this.header = header;
    this.position = position;
  }

  next(): boolean {
    const { byteLength, kind } = this.header;
    const left = byteLength - this.position - this.end;
    if (left === 0) return false;
    const smallest = recordHeaderBytes + (kind === "part" ? 2 : 1);
    if (left < smallest) throw corruptPart("expected a record, came the end of the file", byteLength - left);
    if (this.bytes.length - this.end < recordHeaderBytes) this.load(Math.min(blockBytes, left));
    const valueBytes = this.view.getUint32(this.end + 4);
    const keyBytes = this.view.getUint32(this.end + 8);
    const length = recordHeaderBytes + keyBytes + valueBytes;
    if (keyBytes === 0 || (valueBytes === 0 && kind === "part") || length > left) {
      throw corruptPart(`a record says key ${keyBytes} and value ${valueBytes} bytes`, byteLength - left);
    }
    if (this.bytes.length - this.end < length) this.load(Math.min(Math.max(blockBytes, length), left));
    this.itemStart = this.end + 8;
    this.keyStart = this.end + recordHeaderBytes;
    this.keyEnd = this.keyStart + keyBytes;
    this.end += length;
    this.keyHash = murmur3Bytes(this.bytes.subarray(this.keyStart, this.keyEnd));
    return true;
  }

  check(): void {
    const start = this.keyStart - recordHeaderBytes;
    if (crc32(this.bytes.subarray(start + 4, this.end)) !== this.view.getUint32(start)) {
      throw corruptPart("the CRC-32 of a record is wrong", this.position + start);
    }
  }

  private load(length: number): void {
    const position = this.position + this.end;
    const bytes = this.read(position, length);
    if (bytes.length < length) throw corruptPart(`expected ${length} bytes, came ${bytes.length}`, position);
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.position = position;
    this.end = 0;
  }
}
