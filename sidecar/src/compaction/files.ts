import type { BaseRef, BuiltLayer, BuiltPart, LayerRef, OverlayValue, PartRef } from "@sluice/core";
import { buildLayer, buildPart, murmur3, openLayer, openPart, partIndexOf, REMOVED } from "@sluice/core";
import type { OpenBlob } from "@sluice/replica";

/** Opens a file of a base by name. Throws BLOB_UNKNOWN. */
export type OpenFile = (name: string) => OpenBlob;

/** A part of a folded base: built anew, or as it was because nothing lay over it. */
export type FoldedPart = { readonly built: BuiltPart } | { readonly kept: PartRef };

type Entry = readonly [keyHash: number, key: string, value: OverlayValue];

/** Merges layers, the oldest first, into one. Removals stay: what lies beneath may have the key. Throws CORRUPT or BLOB_UNKNOWN. */
export function mergeLayers(open: OpenFile, layers: readonly LayerRef[]): BuiltLayer {
  const merged = new Map<string, OverlayValue>();
  for (const layer of layers) {
    for (const [, key, value] of layerEntries(open, layer)) merged.set(key, value);
  }
  return buildLayer([...merged].map(([key, value]) => ({ key, canonical: value === REMOVED ? null : value })));
}

/**
 * Folds all layers of a base into `partCount` parts (a multiple of those that there are), the parts of one old part at each step:
 * one part is in memory at a time. Files are in the order of the key hash, and each is read once. Throws CORRUPT or BLOB_UNKNOWN.
 */
export function* foldLayers(
  open: OpenFile,
  { parts, layers }: BaseRef,
  partCount: number,
): Generator<readonly FoldedPart[], void> {
  const over = layers.map((layer) => createCursor(layerEntries(open, layer)));
  const splits = partCount / parts.length;
  try {
    for (const [index, part] of parts.entries()) {
      const isHere = (keyHash: number): boolean => partIndexOf(keyHash, parts.length) === index;
      const changes = over.map((cursor) => [...cursor.whileIn(isHere)]);
      if (splits === 1 && changes.every((entries) => entries.length === 0)) yield [{ kept: part }];
      else yield foldPart(partEntries(open, part), changes, { from: index * splits, count: splits, of: partCount });
    }
  } finally {
    for (const cursor of over) cursor.close();
  }
}

function foldPart(
  items: Iterable<Entry>,
  changes: readonly (readonly Entry[])[],
  range: { readonly from: number; readonly count: number; readonly of: number },
): readonly FoldedPart[] {
  const folded = new Map<string, string>();
  for (const entries of [items, ...changes]) {
    for (const [, key, value] of entries) {
      if (value === REMOVED) folded.delete(key);
      else folded.set(key, value);
    }
  }
  const split = Array.from({ length: range.count }, (): { key: string; canonical: string }[] => []);
  for (const [key, canonical] of folded) {
    const index = range.count === 1 ? 0 : partIndexOf(murmur3(key), range.of) - range.from;
    split[index]?.push({ key, canonical });
  }
  return split.map((some) => ({ built: buildPart(some) }));
}

/** Entries that are taken in order, some at a time. */
interface Cursor {
  /** From where the last call ended up to the first that is out of the range, which is the next call's first. */
  whileIn(isHere: (keyHash: number) => boolean): Iterable<Entry>;
  close(): void;
}

function createCursor(entries: Generator<Entry, undefined>): Cursor {
  let ahead: Entry | null | undefined = null;
  return {
    *whileIn(isHere) {
      if (ahead === null) ahead = entries.next().value;
      for (; ahead !== undefined && isHere(ahead[0]); ahead = entries.next().value) yield ahead;
    },
    close: () => void entries.return(undefined),
  };
}

function* layerEntries(open: OpenFile, { name }: LayerRef): Generator<Entry, undefined> {
  const file = open(name);
  try {
    const layer = openLayer((position, length) => file.read(position, length), file.bytes);
    for (const [key, value] of layer.entries()) yield [murmur3(key), key, value];
  } finally {
    file.close();
  }
  return undefined;
}

function* partEntries(open: OpenFile, { name }: PartRef): Generator<Entry, undefined> {
  const file = open(name);
  try {
    const part = openPart((position, length) => file.read(position, length), file.bytes);
    for (const [key, value] of part.entries()) yield [0, key, value];
  } finally {
    file.close();
  }
  return undefined;
}
