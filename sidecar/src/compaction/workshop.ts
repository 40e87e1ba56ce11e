import type { BaseRef, BuiltLayer, LayerItem, LayerRef } from "@sluice/core";
import { buildLayer } from "@sluice/core";
import { type FoldedPart, foldLayers, mergeLayers, type OpenFile } from "./files.ts";

/** Builds the files that lines move to. */
export interface Workshop {
  /** The layer of an overlay. */
  flush(items: readonly LayerItem[]): Promise<BuiltLayer>;
  /** One layer in the place of several, the oldest first. Throws CORRUPT or BLOB_UNKNOWN. */
  merge(layers: readonly LayerRef[]): Promise<BuiltLayer>;
  /** A base without layers, some parts at a time, in order. Throws as `merge` does. */
  fold(base: BaseRef, partCount: number): AsyncIterable<readonly FoldedPart[]>;
  /** Lets go of what it holds until it is needed again. */
  rest(): Promise<void>;
}

/** Builds in the thread of the caller: for tests and the simulation. */
export function createInlineWorkshop(open: OpenFile): Workshop {
  return {
    flush: async (items) => buildLayer(items),
    merge: async (layers) => mergeLayers(open, layers),
    async *fold(base, partCount) {
      yield* foldLayers(open, base, partCount);
    },
    rest: () => Promise.resolve(),
  };
}
