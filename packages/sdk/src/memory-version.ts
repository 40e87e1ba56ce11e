import { applyDelta, createDelta, type Delta, emptyContentHash, type LinePosition, SluiceError } from "@sluice/core";
import type { ReadableVersion } from "@sluice/replica";

/** A version held in memory, for tests: items by key as canonical JSON text. */
export function createMemoryVersion(number: number, items: ReadonlyMap<string, string>): ReadableVersion {
  const all = createDelta(items, []);
  const { contentHash } = applyDelta({ contentHash: emptyContentHash, items: 0 }, all, () => undefined);
  const get = (key: string): string | undefined => items.get(key);
  const version: ReadableVersion = {
    number,
    contentHash,
    items: items.size,
    base: { parts: [], layers: [] },
    overlaySize: { items: items.size, bytes: 0 },
    get,
    getFromBase: () => undefined,
    entries: () => items.entries(),
    overlay: () => items.entries(),
    measure: (delta) => applyDelta({ contentHash, items: items.size }, delta, get),
    with(delta, position) {
      const next = createMemoryVersion(position.number, patched(items, delta));
      refuseMismatch(next, position);
      return next;
    },
    content: () => ({ base: version.base, overlay: all, contentHash, items: items.size }),
  };
  return version;
}

function patched(items: ReadonlyMap<string, string>, { set, remove }: Delta): ReadonlyMap<string, string> {
  const next = new Map(items);
  for (const [key, canonical] of set) next.set(key, canonical);
  for (const key of remove) next.delete(key);
  return next;
}

function refuseMismatch({ contentHash, items }: ReadableVersion, position: LinePosition): void {
  if (contentHash === position.contentHash && items === position.items) return;
  throw new SluiceError(
    "CORRUPT",
    `expected the content ${position.contentHash} after the delta, came ${contentHash}`,
    {
      details: { number: position.number, items },
    },
  );
}
