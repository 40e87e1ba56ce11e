import {
  type BuiltLayer,
  type Check,
  type LayerRef,
  murmur3Bytes,
  type PackedRecords,
  packRecords,
  partIndexOf,
  type PartRef,
} from "@sluice/core";
import { type Group, loadGroup, type RepeatedKeys } from "./group.ts";
import { createObserver, type Observed } from "./observe.ts";
import { packedEnd, viewOf } from "./records.ts";
import type { GroupSpan } from "./spool.ts";
import type { SpoolFiles } from "./spool-files.ts";
import { spanOf } from "./strata.ts";

/** Which parts of a group are built. */
export interface GroupBuildInput {
  readonly span: GroupSpan;
  /** Of the whole version, a multiple of the number of groups. */
  readonly partCount: number;
  /** Of a first version, every item of which is an addition; null where the comparison has looked at the items already. */
  readonly first: { readonly checks: readonly Check[] } | null;
}

/** What came of building a group. */
export interface GroupBuild {
  readonly repeated: RepeatedKeys;
  readonly parts: readonly PartRef[];
  readonly observed: Observed | null;
}

/** Where built files go; nothing where one is there already. The bytes are given away: they may be gone afterwards. */
export type PutFile = (name: string, bytes: Uint8Array) => Promise<void>;

/** Builds the parts of a group and puts them. Where a key came twice, nothing is built. */
export async function buildGroup(files: SpoolFiles, put: PutFile, input: GroupBuildInput): Promise<GroupBuild> {
  const { span, partCount, first } = input;
  const { records, repeated } = loadGroup(files, span);
  if (repeated.total > 0) {
    files.release(records.bytes);
    return { repeated, parts: [], observed: null };
  }
  const parts: PartRef[] = [];
  const puts: Promise<void>[] = [];
  for (const piece of piecesOf(records, partCount, span)) {
    const { bytes, name, itemCount, contentHash } = packRecords("part", piece);
    parts.push({ name, bytes: bytes.length, items: itemCount, contentHash });
    puts.push(put(name, bytes));
  }
  const observed = first === null ? null : observe(records, first.checks);
  files.release(records.bytes);
  await Promise.all(puts);
  return { repeated, parts, observed };
}

/** Builds the layer of packed records, which are in its order, and puts it. What it hides is for the caller to say. */
export async function buildLayerOf(put: PutFile, pieces: readonly Uint8Array[]): Promise<Omit<LayerRef, "hidden">> {
  const bytes = Buffer.concat(pieces);
  const view = viewOf(bytes);
  const positions: number[] = [];
  for (let at = 0; at < bytes.length; at = packedEnd(view, at)) positions.push(at);
  const keyHashes = Uint32Array.from(positions, (at) =>
    murmur3Bytes(bytes.subarray(at + 8, at + 8 + view.getUint32(at + 4))),
  );
  const layer: BuiltLayer = packRecords("layer", { bytes, positions: Uint32Array.from(positions), keyHashes });
  const { name, recordCount, itemCount, contentHash } = layer;
  // Measured before they are given away: in a thread they are nobody's afterwards.
  const byteLength = layer.bytes.length;
  await put(name, layer.bytes);
  return { name, bytes: byteLength, records: recordCount, items: itemCount, contentHash };
}

/** The records of each of the parts of a group. */
function* piecesOf(
  { bytes, positions, keyHashes }: PackedRecords,
  partCount: number,
  span: GroupSpan,
): Iterable<PackedRecords> {
  const parts = partCount / span.count;
  let start = 0;
  for (let part = span.index * parts; part < (span.index + 1) * parts; part++) {
    let end = start;
    while (end < positions.length && partIndexOf(keyHashes[end] as number, partCount) === part) end++;
    yield { bytes, positions: positions.subarray(start, end), keyHashes: keyHashes.subarray(start, end) };
    start = end;
  }
}

function observe({ bytes, positions, keyHashes }: Group["records"], checks: readonly Check[]): Observed {
  const observer = createObserver(checks);
  const view = viewOf(bytes);
  let index = 0;
  for (; index < positions.length && observer.looks(); index++) {
    observer.add(null, spanOf(bytes, view, positions[index] as number, keyHashes[index] as number));
  }
  observer.countAdded(positions.length - index);
  return observer.finish();
}
