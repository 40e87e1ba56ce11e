import { murmur3 } from "@sluice/core";

/*
 * A record of the spool, integers big-endian and unsigned, four bytes each: key hash, length of the key, length of the value;
 * then the key and the canonical text of the value in UTF-8.
 */

const headerBytes = 12;

/** An item that was read back from the spool. */
export interface SpooledItem {
  readonly keyHash: number;
  readonly key: string;
  readonly canonical: string;
}

/** An item that is ready to be written. */
export interface PendingRecord extends SpooledItem {
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Of the whole record. */
  readonly bytes: number;
}

/** Measures an item. */
export function recordOf(key: string, canonical: string): PendingRecord {
  const keyBytes = Buffer.byteLength(key);
  const valueBytes = Buffer.byteLength(canonical);
  return { keyHash: murmur3(key), key, canonical, keyBytes, valueBytes, bytes: headerBytes + keyBytes + valueBytes };
}

/** Writes a record at a position that has room for it, and returns where it ends. */
export function writeRecord(target: Buffer, position: number, record: PendingRecord): number {
  target.writeUInt32BE(record.keyHash, position);
  target.writeUInt32BE(record.keyBytes, position + 4);
  target.writeUInt32BE(record.valueBytes, position + 8);
  const valueAt = position + headerBytes + record.keyBytes;
  target.write(record.key, position + headerBytes, "utf8");
  target.write(record.canonical, valueAt, "utf8");
  return valueAt + record.valueBytes;
}

/** The key hash of the record at a position, and where the record ends. */
export function recordAt(records: Buffer, position: number): { readonly keyHash: number; readonly end: number } {
  const keyBytes = records.readUInt32BE(position + 4);
  const valueBytes = records.readUInt32BE(position + 8);
  return { keyHash: records.readUInt32BE(position), end: position + headerBytes + keyBytes + valueBytes };
}

/** The items of whole records, in the order in which they stand. */
export function* readRecords(records: Buffer): Generator<SpooledItem> {
  for (let position = 0; position < records.length; ) {
    const keyAt = position + headerBytes;
    const valueAt = keyAt + records.readUInt32BE(position + 4);
    const end = valueAt + records.readUInt32BE(position + 8);
    yield {
      keyHash: records.readUInt32BE(position),
      key: records.toString("utf8", keyAt, valueAt),
      canonical: records.toString("utf8", valueAt, end),
    };
    position = end;
  }
}
