import type { BaseRef, LayerRef } from "../release/event.ts";
import { createContentHash } from "./content-hash.ts";

/** What a version adds up to. */
export interface ContentSum {
  /** 64 hex digits. */
  readonly contentHash: string;
  readonly items: number;
}

/**
 * What the files of a base add up to, without reading any of them: its parts, and for each layer what it sets in the place of
 * what it hides. The name of a file covers its header, and the header the sum over its items.
 */
export function sumOfBase({ parts, layers }: BaseRef): ContentSum {
  const sum = createContentHash();
  let items = 0;
  for (const part of parts) {
    sum.addHash(part.contentHash);
    items += part.items;
  }
  for (const layer of layers) {
    sum.addHash(layer.contentHash);
    sum.subtractHash(layer.hidden.contentHash);
    items += layer.items - layer.hidden.items;
  }
  return { contentHash: sum.hex(), items };
}

/** What a layer hides beneath it, where it turns a version of one sum into a version of another. */
export function hiddenBy(
  layer: Pick<LayerRef, "contentHash" | "items">,
  beneath: ContentSum,
  above: ContentSum,
): ContentSum {
  const sum = createContentHash(beneath.contentHash);
  sum.addHash(layer.contentHash);
  sum.subtractHash(above.contentHash);
  return { contentHash: sum.hex(), items: beneath.items + layer.items - above.items };
}

/** The names and lengths of the files of a base: parts, then layers from the oldest. */
export function filesOfBase({ parts, layers }: BaseRef): readonly { readonly name: string; readonly bytes: number }[] {
  return [...parts, ...layers];
}
