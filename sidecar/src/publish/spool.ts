import { murmur3Bytes } from "@sluice/core";
import { spoolHeaderBytes, viewOf, writeSpoolHeader } from "./records.ts";
import type { SpoolFiles } from "./spool-files.ts";

/** Into how many equal ranges of the key hash an upload is sorted as it comes. */
export const rangeCount = 256;

/** A range's buffer begins small, as most uploads are, and is written away at this size. */
const bufferBytesMin = 512;
const bufferBytesMax: number = 32 * 1024;

/** Bytes that a part file needs for an item beside key and value: the head of a record and 4/3 slots of its table. */
const partItemBytes = 12 + (8 * 4) / 3;

/** What a spool has taken. */
export interface SpoolSummary {
  readonly items: number;
  /** Bytes of the part files that the items would fill. */
  readonly partBytes: number;
}

/** Takes an upload on its way into parts: sorts it by key hash into ranges, so that one range at a time has to be in memory. */
export interface SpoolWriter {
  readonly items: number;
  /** Takes an item: in `bytes` its key up to `keyEnd`, its canonical value from there to `end`. Throws what the files throw. */
  add(bytes: Uint8Array, keyEnd: number, end: number, line: number): void;
  /** Takes the key of an item that was refused for its size. */
  addRefused(key: Uint8Array, line: number): void;
  /** No item comes any more. */
  seal(): SpoolSummary;
}

/** Equal ranges of the key hash that are read together: the group `index` of `count`, a power of two of at most 256. */
export interface GroupSpan {
  readonly index: number;
  readonly count: number;
}

interface Range {
  readonly name: string;
  bytes: Uint8Array;
  view: DataView;
  used: number;
}

/** Starts an empty spool in files that are its own. */
export function createSpoolWriter(files: SpoolFiles): SpoolWriter {
  const ranges: (Range | undefined)[] = Array.from({ length: rangeCount });
  let items = 0;
  let partBytes = 0;

  const flush = (range: Range): void => {
    if (range.used > 0) files.append(range.name, range.bytes.subarray(0, range.used));
    range.used = 0;
  };

  /** The range with room for so many bytes. */
  const roomFor = (index: number, bytes: number): Range => {
    const range = (ranges[index] ??= newRange(index));
    if (range.used + bytes <= range.bytes.length) return range;
    const wanted = Math.max(range.used + bytes, 2 * range.bytes.length);
    if (wanted <= bufferBytesMax) {
      resize(range, wanted);
      return range;
    }
    flush(range);
    // One long value does not leave a long buffer behind in each of the ranges.
    const length = Math.max(bytes, bufferBytesMax);
    if (length !== range.bytes.length) resize(range, length);
    return range;
  };

  const put = (bytes: Uint8Array, keyEnd: number, end: number, line: number): void => {
    const keyHash = murmur3Bytes(bytes, keyEnd);
    const range = roomFor(Math.floor((keyHash * rangeCount) / 0x1_0000_0000), spoolHeaderBytes + end);
    writeSpoolHeader(range.view, range.used, { keyHash, line, keyBytes: keyEnd, valueBytes: end - keyEnd });
    range.bytes.set(bytes.subarray(0, end), range.used + spoolHeaderBytes);
    range.used += spoolHeaderBytes + end;
  };

  return {
    get items() {
      return items;
    },
    add(bytes, keyEnd, end, line) {
      put(bytes, keyEnd, end, line);
      items++;
      partBytes += end + partItemBytes;
    },
    addRefused: (key, line) => put(key, key.length, key.length, line),
    seal() {
      for (const [index, range] of ranges.entries()) {
        if (range !== undefined) flush(range);
        ranges[index] = undefined;
      }
      return { items, partBytes: Math.ceil(partBytes) };
    },
  };
}

/** The names in the spool of the ranges of a group. */
export function rangesOf({ index, count }: GroupSpan): readonly string[] {
  const ranges = rangeCount / count;
  return Array.from({ length: ranges }, (_, range) => nameOf(index * ranges + range));
}

/** The lowest key hash of a group. */
export function lowestHash({ index, count }: GroupSpan): number {
  return (index * 0x1_0000_0000) / count;
}

function newRange(index: number): Range {
  const bytes = new Uint8Array(bufferBytesMin);
  return { name: nameOf(index), bytes, view: viewOf(bytes), used: 0 };
}

function resize(range: Range, length: number): void {
  const bytes = new Uint8Array(length);
  bytes.set(range.bytes.subarray(0, range.used));
  range.bytes = bytes;
  range.view = viewOf(bytes);
}

function nameOf(range: number): string {
  return `range-${range}`;
}
