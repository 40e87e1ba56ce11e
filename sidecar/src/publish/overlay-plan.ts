import { type ContentSum, createContentHash, itemHash } from "@sluice/core";

/** An overlay never holds more items or text; past either, the version gets a base of its own. */
export const overlayItemsMax = 50_000;
export const overlayBytesMax: number = 16 * 1024 * 1024;

/** So many differences from the base are always laid over it, however small the dataset. */
const overlayItemsMin = 1_000;

/** What lies over a base, in no particular order. Not sorted here: encoding sorts, and twice would be felt by whoever waits. */
export interface OverlayItems {
  readonly set: readonly (readonly [key: string, canonical: string])[];
  readonly remove: readonly string[];
  /** UTF-8 bytes of keys and values. */
  readonly bytes: number;
  /** The items of the base that it takes the place of. */
  readonly hidden: ContentSum;
}

/** Gathers what a version differs in from a base until a base of its own is the better choice. */
export interface OverlayPlan {
  /** An item that differs from the base, as it is and as the base has it; undefined where there is none. */
  add(key: string, canonical: string | undefined, inBase: string | undefined): void;
  /** What lies over the base; null where it is too much. */
  finish(): OverlayItems | null;
}

/**
 * For a version of so many items: at most 1,000 differences or a tenth of the items, 50,000 and 16 MiB of text. Beyond a tenth, a
 * follower reads the parts faster than it applies the overlay.
 */
export function createOverlayPlan(items: number): OverlayPlan {
  const itemsMax = Math.min(overlayItemsMax, Math.max(overlayItemsMin, Math.floor(items / 10)));
  let set: [string, string][] = [];
  let remove: string[] = [];
  const hidden = createContentHash();
  let hiddenItems = 0;
  let bytes = 0;
  let fits = true;
  return {
    add(key, canonical, inBase) {
      if (!fits) return;
      if (inBase !== undefined) {
        hidden.add(itemHash(key, inBase));
        hiddenItems++;
      }
      if (canonical === undefined) remove.push(key);
      else set.push([key, canonical]);
      bytes += Buffer.byteLength(key) + (canonical === undefined ? 0 : Buffer.byteLength(canonical));
      fits = set.length + remove.length <= itemsMax && bytes <= overlayBytesMax;
      // What is too much is not kept.
      if (!fits) [set, remove] = [[], []];
    },
    finish: () => (fits ? { set, remove, bytes, hidden: { contentHash: hidden.hex(), items: hiddenItems } } : null),
  };
}
