import { crc32 } from "node:zlib";
import { murmur3, murmur3Bytes } from "./murmur3.ts";
import { type OverlayValue, REMOVED } from "./overlay.ts";
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
} from "./part.ts";
import { decodeUtf8 } from "./utf8.ts";

/** An open file of records. In memory is only the table, 8 bytes a slot. */
interface RecordReader<Value> {
  readonly recordCount: number;
  /** Content hash of the items as the header says it, 64 hex digits; the file's name covers it. */
  readonly contentHash: string;
  readonly byteLength: number;
  /**
   * What the file has of a key, undefined where that is nothing. One positional read for a record of up to 512 bytes, two for
   * a longer one. `keyHash` is the key's MurmurHash3, for whoever has it already. Throws CORRUPT where the record's CRC or key is wrong.
   */
  get(key: string, keyHash?: number): Value | undefined;
  /** All records, by key hash. Reads 64 KiB at a time. Throws CORRUPT like `get`. */
  entries(): Iterable<readonly [key: string, value: Value]>;
}

/** A part file: canonical texts of values by key. */
export type PartReader = RecordReader<string>;

/** A layer: canonical texts, or REMOVED. */
export type LayerReader = RecordReader<OverlayValue>;

const firstReadBytes = 512;
const blockBytes = 64 * 1024;

interface RecordShape {
  readonly keyEnd: number;
  readonly end: number;
}

/**
 * Opens a part file of `byteLength` bytes: reads and checks its header and table.
 * Throws CORRUPT on anything that is not exactly a part file of that length.
 */
export function openPart(read: PositionalRead, byteLength: number): PartReader {
  return openRecords("part", read, byteLength, (text) => text);
}

/** Opens a layer, as `openPart` does a part. */
export function openLayer(read: PositionalRead, byteLength: number): LayerReader {
  return openRecords("layer", read, byteLength, (text) => (text === "" ? REMOVED : text));
}

/** `valueOf` makes the value of a record's text, which in a layer may be empty. */
function openRecords<Value>(
  kind: PartKind,
  read: PositionalRead,
  byteLength: number,
  valueOf: (text: string) => Value,
): RecordReader<Value> {
  const header = readPartHeader(kind, read, byteLength);
  const { recordCount, slotCount, contentHash } = header;
  const recordsStart = partHeaderBytes + slotCount * slotBytes;
  const table = parsePartTable(header, read(0, recordsStart));

  const readExactly = (position: number, length: number): Uint8Array => {
    const bytes = read(position, length);
    if (bytes.length < length) throw corruptPart(`expected ${length} bytes, came ${bytes.length}`, position);
    return bytes;
  };

  /** The record's value where its key is the one looked for. */
  const readRecord = (position: number, key: string, keyHash: number): Value | undefined => {
    let bytes = readExactly(position, Math.min(firstReadBytes, byteLength - position));
    const { keyEnd, end } = shapeOf(bytes, 0, position, header);
    if (end > bytes.length) bytes = readExactly(position, end);
    checkRecord(bytes, 0, end, position);
    if (!isKey(key, bytes, keyEnd)) {
      // Two keys may share a hash; a key with another hash was never put here.
      if (murmur3Bytes(bytes.subarray(recordHeaderBytes, keyEnd)) === keyHash) return undefined;
      throw corruptPart("the record's key is not the one that the table names", position);
    }
    return valueOf(textOf(bytes, keyEnd, end, position));
  };

  /** The whole records among the bytes at a position: at least one. */
  const readBlock = (position: number, recordsMax: number): { records: (readonly [string, Value])[]; next: number } => {
    let bytes = readExactly(position, Math.min(blockBytes, byteLength - position));
    const first = shapeOf(bytes, 0, position, header).end;
    if (first > bytes.length) bytes = readExactly(position, first);
    const records: (readonly [string, Value])[] = [];
    let start = 0;
    while (records.length < recordsMax && start + recordHeaderBytes <= bytes.length) {
      const { keyEnd, end } = shapeOf(bytes, start, position, header);
      if (end > bytes.length) break;
      checkRecord(bytes, start, end, position);
      const key = textOf(bytes, start + recordHeaderBytes, keyEnd, position);
      records.push([key, valueOf(textOf(bytes, keyEnd, end, position))]);
      start = end;
    }
    return { records, next: position + start };
  };

  return {
    recordCount,
    contentHash,
    byteLength,
    get(key, keyHash = murmur3(key)) {
      // Said to be unsigned, the two are divided as integers; as numbers that may be anything they take ten times as long.
      let slot = slotCount === 0 ? 0 : (keyHash >>> 0) % (slotCount >>> 0);
      for (let probes = 0; probes < slotCount; probes++) {
        const position = table[2 * slot + 1] as number;
        if (position === 0) return undefined;
        if (table[2 * slot] === keyHash) {
          const value = readRecord(position, key, keyHash);
          if (value !== undefined) return value;
        }
        slot = slot + 1 === slotCount ? 0 : slot + 1;
      }
      return undefined;
    },
    *entries() {
      let position = recordsStart;
      for (let left = recordCount; left > 0; ) {
        // A block is decoded whole before its first item is given out: a `get` in between may reuse the buffer.
        const { records, next } = readBlock(position, left);
        yield* records;
        left -= records.length;
        position = next;
      }
      if (position !== byteLength) throw corruptPart("expected the end of the file after the last record", position);
    },
  };
}

/** Where key and value of the record at `start` end in `bytes`; `position` is the file position of `bytes[0]`. */
function shapeOf(
  bytes: Uint8Array,
  start: number,
  position: number,
  { kind, byteLength }: Pick<PartHeader, "kind" | "byteLength">,
): RecordShape {
  if (bytes.length < start + recordHeaderBytes) {
    throw corruptPart("expected a record, came the end of the file", position + start);
  }
  const valueBytes = uint32At(bytes, start + 4);
  const keyBytes = uint32At(bytes, start + 8);
  const keyEnd = start + recordHeaderBytes + keyBytes;
  const end = keyEnd + valueBytes;
  if (keyBytes === 0 || (valueBytes === 0 && kind === "part") || position + end > byteLength) {
    throw corruptPart(`a record says key ${keyBytes} and value ${valueBytes} bytes`, position + start);
  }
  return { keyEnd, end };
}

function checkRecord(bytes: Uint8Array, start: number, end: number, position: number): void {
  if (crc32(bytes.subarray(start + 4, end)) !== uint32At(bytes, start)) {
    throw corruptPart("the CRC-32 of a record is wrong", position + start);
  }
}

function isKey(key: string, bytes: Uint8Array, keyEnd: number): boolean {
  const keyBytes = keyEnd - recordHeaderBytes;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    // Decoded, not encoded, for the comparison: a lone surrogate would be encoded as another key's U+FFFD.
    if (unit > 0x7f) return decodeUtf8(bytes.subarray(recordHeaderBytes, keyEnd)) === key;
    if (unit !== bytes[recordHeaderBytes + index]) return false;
  }
  return key.length === keyBytes;
}

function textOf(bytes: Uint8Array, start: number, end: number, position: number): string {
  const text = decodeUtf8(bytes.subarray(start, end));
  if (text === undefined) throw corruptPart("expected UTF-8 in a record, came other bytes", position + start);
  return text;
}

function uint32At(bytes: Uint8Array, index: number): number {
  const high = ((bytes[index] as number) << 24) | ((bytes[index + 1] as number) << 16);
  return (high | ((bytes[index + 2] as number) << 8) | (bytes[index + 3] as number)) >>> 0;
}
