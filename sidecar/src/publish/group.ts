import { assert, type ItemProblem, type PackedRecords, repeatedKey } from "@sluice/core";
import { packedEnd, spoolPrefixBytes, viewOf } from "./records.ts";
import { problemsMax } from "./problems.ts";
import { type GroupSpan, lowestHash, rangesOf } from "./spool.ts";
import type { SpoolFiles } from "./spool-files.ts";

/** Keys of an upload that came before. */
export interface RepeatedKeys {
  readonly total: number;
  /** How many of them had been refused for their size before. */
  readonly refusedBefore: number;
  /** Those on the first hundred lines. */
  readonly listed: readonly ItemProblem[];
}

/** A group in memory. */
export interface Group {
  /** In the order of a part, a repeated key as often as it came. */
  readonly records: PackedRecords & { readonly bytes: Buffer };
  readonly repeated: RepeatedKeys;
}

/** No key came twice. */
export const nothingRepeated: RepeatedKeys = { total: 0, refusedBefore: 0, listed: [] };

/** Reads a group of the spool and sorts it. */
export function loadGroup(files: SpoolFiles, span: GroupSpan): Group {
  const bytes = files.read(rangesOf(span));
  const view = viewOf(bytes);
  const order = orderOf(view, startsOf(view), span);
  const keyHashes = new Uint32Array(order.length);
  for (let index = 0; index < order.length; index++) {
    const start = order[index] as number;
    keyHashes[index] = view.getUint32(start);
    order[index] = start + spoolPrefixBytes;
  }
  return { records: { bytes, positions: order, keyHashes }, repeated: sortTies(bytes, view, order, keyHashes) };
}

/** Where the records begin. */
function startsOf(view: DataView): readonly number[] {
  const starts: number[] = [];
  for (let at = 0; at < view.byteLength; at = packedEnd(view, at + spoolPrefixBytes)) starts.push(at);
  return starts;
}

/** Where the records begin, by key hash. As numbers, hash before place: a sort without a comparator is several times faster. */
function orderOf(view: DataView, starts: readonly number[], span: GroupSpan): Uint32Array {
  const lowest = lowestHash(span);
  const places = 2 ** Math.ceil(Math.log2(starts.length + 1));
  assert(places * (0x1_0000_0000 / span.count) <= 2 ** 53, `${starts.length} items are too many for one group`);
  const keyed = new Float64Array(starts.length);
  for (let place = 0; place < starts.length; place++) {
    keyed[place] = (view.getUint32(starts[place] as number) - lowest) * places + place;
  }
  keyed.sort();
  const order = new Uint32Array(starts.length);
  for (let index = 0; index < keyed.length; index++) {
    const number = keyed[index] as number;
    // The remainder of a division, which `%` takes longer for where numbers have more than 32 bits.
    order[index] = starts[number - Math.floor(number / places) * places] as number;
  }
  return order;
}

/** Sorts records of one key hash by key and line, and finds the keys that came twice. There are few. */
function sortTies(bytes: Buffer, view: DataView, positions: Uint32Array, keyHashes: Uint32Array): RepeatedKeys {
  const found: { problem: ItemProblem; refused: boolean }[] = [];
  for (let start = 0; start < positions.length; ) {
    let end = start + 1;
    while (end < positions.length && keyHashes[end] === keyHashes[start]) end++;
    if (end > start + 1) {
      const tied = [...positions.subarray(start, end)]
        .map((position) => ({ position, key: keyAt(bytes, view, position), line: view.getUint32(position - 4) }))
        .sort((a, b) => compareKeys(a.key, b.key) || a.line - b.line);
      let first = tied[0] as (typeof tied)[number];
      for (const [index, record] of tied.entries()) {
        positions[start + index] = record.position;
        if (index === 0) continue;
        if (record.key !== first.key) first = record;
        else {
          const refused = view.getUint32(record.position) === 0;
          found.push({ problem: repeatedKey(record.key, record.line, first.line), refused });
        }
      }
    }
    start = end;
  }
  if (found.length === 0) return nothingRepeated;
  return {
    total: found.length,
    refusedBefore: found.filter(({ refused }) => refused).length,
    listed: found
      .map(({ problem }) => problem)
      .sort((a, b) => a.line - b.line)
      .slice(0, problemsMax),
  };
}

/** The key of a packed record. */
function keyAt(bytes: Buffer, view: DataView, position: number): string {
  return bytes.toString("utf8", position + 8, position + 8 + view.getUint32(position + 4));
}

/** UTF-16 order, which `<` compares in and `localeCompare` does not. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
