import { SluiceError } from "../error.ts";
import type { ContentSum } from "./base.ts";
import { createContentHash, itemHash } from "./content-hash.ts";
import { showKey } from "./key.ts";

/**
 * The items that changed between a version and its parent: sorted by key in UTF-16 order, each key once, values as canonical
 * JSON texts. It travels and is kept as this very object in JSON: who follows hashes and serves the texts as they came.
 */
export interface Delta {
  readonly set: readonly (readonly [key: string, canonical: string])[];
  readonly remove: readonly string[];
}

/** Looks up the canonical text of an item before the delta; undefined where there is none. */
export type LookupOld = (key: string) => string | undefined;

/** A delta that changes nothing. */
export const emptyDelta: Delta = { set: [], remove: [] };

/** Makes a delta of items in any order. Throws DUPLICATE_KEY where a key comes twice, set or removed. */
export function createDelta(set: Iterable<readonly [string, string]>, remove: Iterable<string>): Delta {
  const delta: Delta = { set: [...set].sort(([a], [b]) => compare(a, b)), remove: [...remove].sort(compare) };
  refuseRepeats(delta);
  return delta;
}

/** What a version adds up to after a delta, in time proportional to the delta. Each old item is looked up once. */
export function applyDelta(before: ContentSum, delta: Delta, lookupOld: LookupOld): ContentSum {
  const content = createContentHash(before.contentHash);
  let { items } = before;
  for (const [key, canonical] of delta.set) {
    const old = lookupOld(key);
    if (old === canonical) continue;
    if (old === undefined) items++;
    else content.subtract(itemHash(key, old));
    content.add(itemHash(key, canonical));
  }
  for (const key of delta.remove) {
    const old = lookupOld(key);
    if (old === undefined) continue;
    items--;
    content.subtract(itemHash(key, old));
  }
  return { contentHash: content.hex(), items };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refuseRepeats({ set, remove }: Delta): void {
  const keys = new Set<string>();
  const see = (key: string): void => {
    if (keys.has(key)) {
      throw new SluiceError("DUPLICATE_KEY", `expected each key once in a delta, came ${showKey(key)} again`, {
        details: { key },
      });
    }
    keys.add(key);
  };
  for (const [key] of set) see(key);
  for (const key of remove) see(key);
}
