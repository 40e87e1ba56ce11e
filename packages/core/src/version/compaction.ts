import { assert } from "../assert.ts";
import type { BaseRef, LayerRef, PartRef } from "../release/event.ts";
import type { ContentSum } from "./base.ts";
import { createContentHash } from "./content-hash.ts";
import { partCountFor } from "./part.ts";

/** When what lies over parts is moved down. */
export interface CompactionLimits {
  /** An overlay with so many keys, or so many bytes of keys and values, is flushed into a layer. */
  readonly overlayItemsMax: number;
  readonly overlayBytesMax: number;
  /** So many layers of about one size are merged into one. */
  readonly layersPerTier: number;
  /** No layer grows past this by merging. */
  readonly layerBytesMax: number;
  /** Layers are folded into parts once they hold more records than this and than `foldShare` of the items in the parts, or are more than `layersMax`. */
  readonly foldRecordsMin: number;
  readonly foldShare: number;
  readonly layersMax: number;
}

/** 2,048 keys or 512 KiB in an overlay; four layers of a size; layers of 32 MiB; a fold at an eighth of the items, from 8,192 on, or at 16 layers. */
export const defaultCompactionLimits: CompactionLimits = {
  overlayItemsMax: 2_048,
  overlayBytesMax: 512 * 1024,
  layersPerTier: 4,
  layerBytesMax: 32 * 1024 * 1024,
  foldRecordsMin: 8_192,
  foldShare: 1 / 8,
  layersMax: 16,
};

/** Layers that stand next to each other in a base, from an index on. Two layers may have one name, so names do not say which. */
export interface LayerRun {
  readonly from: number;
  readonly layers: readonly LayerRef[];
}

/** What is to be done with a base: the newest layers merged into one, or all layers folded into so many parts. */
export type CompactionStep =
  | (LayerRun & { readonly kind: "merge" })
  | (LayerRun & { readonly kind: "fold"; readonly partCount: number });

/** Whether an overlay is to be flushed. */
export function isFlushDue(
  overlay: { readonly items: number; readonly bytes: number },
  limits: CompactionLimits = defaultCompactionLimits,
): boolean {
  return overlay.items >= limits.overlayItemsMax || overlay.bytes >= limits.overlayBytesMax;
}

/**
 * The next step on a base; null where it stands well. A record is merged once for each size of layer that it passes through, and
 * folded once, however long the patches go on.
 */
export function nextCompaction(
  { parts, layers }: BaseRef,
  limits: CompactionLimits = defaultCompactionLimits,
): CompactionStep | null {
  const records = layers.reduce((sum, layer) => sum + layer.records, 0);
  const items = parts.reduce((sum, part) => sum + part.items, 0);
  const foldRecords = Math.max(limits.foldRecordsMin, items * limits.foldShare);
  if (records > foldRecords || layers.length > limits.layersMax) {
    return { kind: "fold", from: 0, layers, partCount: foldedPartCount(parts, layers) };
  }
  const mergeable = newestOfOneSize(layers, limits);
  if (mergeable.length === 0) return null;
  return { kind: "merge", from: layers.length - mergeable.length, layers: mergeable };
}

/** The newest layers down to the end of a size of which there are enough, as far as they fit into one. */
function newestOfOneSize(layers: readonly LayerRef[], limits: CompactionLimits): readonly LayerRef[] {
  const tierOf = ({ bytes }: LayerRef): number => Math.round(Math.log(bytes) / Math.log(limits.layersPerTier));
  const newestFirst = layers.toReversed();
  let tier = Number.NEGATIVE_INFINITY;
  let ofTier = 0;
  let bytes = 0;
  for (const [index, layer] of newestFirst.entries()) {
    const its = tierOf(layer);
    if (its > tier) {
      tier = its;
      ofTier = 0;
    }
    if (its === tier) ofTier++;
    bytes += layer.bytes;
    if (bytes > limits.layerBytesMax) return [];
    const next = newestFirst[index + 1];
    const isWhole = next === undefined || tierOf(next) > tier;
    if (isWhole && ofTier >= limits.layersPerTier) return newestFirst.slice(0, index + 1).toReversed();
  }
  return [];
}

/** At least as many parts as there are, more where they have outgrown their size. */
function foldedPartCount(parts: readonly PartRef[], layers: readonly LayerRef[]): number {
  const bytes = [...parts, ...layers].reduce((sum, file) => sum + file.bytes, 0);
  return Math.max(parts.length, partCountFor(bytes));
}

/** A layer that does what these do one after the other; what it hides is what they hide that none of them has set. */
export function mergedRef(
  built: Omit<LayerRef, "hidden">,
  layers: readonly Pick<LayerRef, "items" | "contentHash" | "hidden">[],
): LayerRef {
  const hidden = createContentHash(built.contentHash);
  let items = built.items;
  for (const layer of layers) {
    hidden.subtractHash(layer.contentHash);
    hidden.addHash(layer.hidden.contentHash);
    items += layer.hidden.items - layer.items;
  }
  return { ...built, hidden: { items, contentHash: hidden.hex() } };
}

/**
 * The base with one layer in the place of a run, or with parts in the place of all parts and the run, which is the lowest then.
 * Layers may have come on top since. Throws where the run is not where it was.
 */
export function replaceLayers(
  base: BaseRef,
  { from, layers: run }: LayerRun,
  by: { readonly layer: LayerRef } | { readonly parts: readonly PartRef[] },
): BaseRef {
  const isThere = run.every(({ name }, index) => base.layers[from + index]?.name === name);
  assert(
    isThere && ("layer" in by || from === 0),
    `layers ${from} to ${from + run.length} are those that were compacted`,
  );
  if ("layer" in by) return { parts: base.parts, layers: base.layers.toSpliced(from, run.length, by.layer) };
  return { parts: by.parts, layers: base.layers.slice(run.length) };
}

/** The base with one more layer on top. */
export function addLayer(base: BaseRef, layer: Omit<LayerRef, "hidden">, hidden: ContentSum): BaseRef {
  const { items, contentHash } = hidden;
  return { ...base, layers: [...base.layers, { ...layer, hidden: { items, contentHash } }] };
}
