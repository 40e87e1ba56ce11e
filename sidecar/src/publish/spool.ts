import { assert } from "@sluice/core";
import type { Pace } from "./pace.ts";
import type { RangeFile } from "./range-file.ts";
import { recordAt, recordOf, writeRecord } from "./records.ts";

/** Into how many equal ranges of the key hash an upload is sorted as it comes. */
export const rangeCount = 64;

const bufferBytes = 64 * 1024;

/** Bytes that a part file needs for an item beside key and value: the head of a record and 4/3 slots of its table. */
const partItemBytes = 12 + (8 * 4) / 3;

/** An upload on its way into parts: sorted by key hash into ranges, so that one range at a time has to be in memory. */
export interface Spool {
  readonly items: number;
  /** Bytes of the part files that the items would fill. */
  readonly partBytes: number;
  /** Takes an item. Where a promise comes back, it has to end before the next call. */
  add(key: string, canonical: string): Promise<void> | undefined;
  /** No item comes any more. */
  seal(): Promise<void>;
  /**
   * The records of one of `sliceCount` (a power of two, at least 64) equal slices of the key hash. A range is read once where
   * slices are asked for in order.
   */
  slice(index: number, sliceCount: number): Promise<Buffer>;
  close(): Promise<void>;
}

interface Range {
  readonly file: RangeFile;
  buffer: Buffer | undefined;
  used: number;
}

/** Starts an empty spool; `makeFile` gives the file of each range. */
export function createSpool(makeFile: (range: number) => RangeFile, pace: Pace): Spool {
  const ranges = Array.from(
    { length: rangeCount },
    (_, index): Range => ({ file: makeFile(index), buffer: undefined, used: 0 }),
  );
  let loaded: { readonly range: number; readonly slices: readonly Buffer[] } | undefined;
  let items = 0;
  let partBytes = 0;

  async function load(index: number, slicesInRange: number): Promise<readonly Buffer[]> {
    const records = await (ranges[index] as Range).file.read();
    return slicesInRange === 1 ? [records] : divide(records, slicesInRange, pace);
  }

  return {
    get items() {
      return items;
    },
    get partBytes() {
      return Math.ceil(partBytes);
    },
    add(key, canonical) {
      const record = recordOf(key, canonical);
      items++;
      partBytes += record.keyBytes + record.valueBytes + partItemBytes;
      const range = ranges[sliceOf(record.keyHash, rangeCount)] as Range;
      if (range.used + record.bytes <= bufferBytes) {
        range.buffer ??= Buffer.allocUnsafe(bufferBytes);
        range.used = writeRecord(range.buffer, range.used, record);
        return undefined;
      }
      return flush(range).then(() => {
        const target =
          record.bytes > bufferBytes
            ? Buffer.allocUnsafe(record.bytes)
            : (range.buffer ??= Buffer.allocUnsafe(bufferBytes));
        const end = writeRecord(target, 0, record);
        if (target !== range.buffer) return range.file.append(target);
        range.used = end;
        return undefined;
      });
    },
    async seal() {
      for (const range of ranges) {
        await flush(range);
        range.buffer = undefined;
      }
    },
    async slice(index, sliceCount) {
      const slicesInRange = sliceCount / rangeCount;
      assert(Number.isInteger(slicesInRange), `${sliceCount} slices are a multiple of ${rangeCount}`);
      const range = Math.floor(index / slicesInRange);
      if (loaded?.range !== range) {
        loaded = undefined;
        loaded = { range, slices: await load(range, slicesInRange) };
      }
      return loaded.slices[index % slicesInRange] as Buffer;
    },
    async close() {
      loaded = undefined;
      for (const { file } of ranges) await file.close();
    },
  };
}

/** Which of `count` equal slices of the 32-bit key hash a hash lies in. Parts are split by the same order. */
export function sliceOf(keyHash: number, count: number): number {
  return Math.floor((keyHash * count) / 0x1_0000_0000);
}

/** Splits the records of one range into its slices. */
async function divide(records: Buffer, count: number, pace: Pace): Promise<readonly Buffer[]> {
  const slice = (keyHash: number): number => sliceOf(keyHash, count * rangeCount) % count;
  const lengths = Array.from({ length: count }, () => 0);
  for (let position = 0; position < records.length; ) {
    const { keyHash, end } = recordAt(records, position);
    lengths[slice(keyHash)] = (lengths[slice(keyHash)] as number) + end - position;
    position = end;
    if (pace.spent(0)) await pace.turn();
  }
  const slices = lengths.map((length) => Buffer.allocUnsafe(length));
  const used = Array.from({ length: count }, () => 0);
  for (let position = 0; position < records.length; ) {
    const { keyHash, end } = recordAt(records, position);
    const at = slice(keyHash);
    records.copy(slices[at] as Buffer, used[at], position, end);
    used[at] = (used[at] as number) + end - position;
    if (pace.spent(end - position)) await pace.turn();
    position = end;
  }
  return slices;
}

async function flush(range: Range): Promise<void> {
  if (range.buffer === undefined || range.used === 0) return;
  await range.file.append(range.buffer.subarray(0, range.used));
  range.used = 0;
}
