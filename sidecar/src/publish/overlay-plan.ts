import { type ContentSum, createContentHash } from "@sluice/core";
import type { OverRecords } from "./compare-group.ts";
import { free } from "./spool-files.ts";

/** More items or text than this are not laid over a base; the version gets a base of its own. */
export const overlayItemsMax = 50_000;
export const overlayBytesMax: number = 16 * 1024 * 1024;

/** So many differences from the base are always laid over it, however small the dataset. */
const overlayItemsMin = 1_000;

const tooMuch = { itemsMax: -1, bytesMax: -1 };

/** What lies over a base. */
export interface OverlayItems {
  /** Packed records, in the order of a layer when put one after another. */
  readonly records: readonly Uint8Array[];
  readonly items: number;
  /** UTF-8 bytes of keys and values. */
  readonly textBytes: number;
  /** The items of the base that it takes the place of. */
  readonly hidden: ContentSum;
}

/** Gathers what a version differs in from a base until a base of its own is the better choice. */
export interface OverlayPlan {
  /** More than this would be too much; below 0 where it is already. */
  left(): { readonly itemsMax: number; readonly bytesMax: number };
  /** What differs in the next group; null where that alone is too much. */
  add(records: OverRecords | null): void;
  /** What lies over the base; null where it is too much. */
  finish(): OverlayItems | null;
}

/**
 * For a version of so many items: at most 1,000 differences or a tenth of the items, 50,000 and 16 MiB of text. Beyond a tenth, a
 * follower reads the parts faster than what lies over them.
 */
export function createOverlayPlan(versionItems: number): OverlayPlan {
  const itemsMax = Math.min(overlayItemsMax, Math.max(overlayItemsMin, Math.floor(versionItems / 10)));
  const hidden = createContentHash();
  let records: Uint8Array[] = [];
  let hiddenItems = 0;
  let items = 0;
  let textBytes = 0;
  let fits = true;
  return {
    left: () => (fits ? { itemsMax: itemsMax - items, bytesMax: overlayBytesMax - textBytes } : tooMuch),
    add(more) {
      if (more !== null) {
        items += more.items;
        textBytes += more.textBytes;
        hiddenItems += more.hidden.items;
        hidden.addHash(more.hidden.contentHash);
        if (more.bytes.length > 0) records.push(more.bytes);
      }
      fits &&= more !== null && items <= itemsMax && textBytes <= overlayBytesMax;
      if (fits) return;
      // What is too much is not kept.
      for (const bytes of records) free(bytes);
      records = [];
    },
    finish: () =>
      fits ? { records, items, textBytes, hidden: { contentHash: hidden.hex(), items: hiddenItems } } : null,
  };
}
