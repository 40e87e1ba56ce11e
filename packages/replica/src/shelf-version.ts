import {
  applyDeltaCount,
  applyDeltaHash,
  type BaseRef,
  type Content,
  createDelta,
  type Delta,
  deltaName,
  deltaToJson,
  encodeDelta,
  limits,
  murmur3,
  type Overlay,
  partIndexOf,
  REMOVED,
  SluiceError,
} from "@sluice/core";
import type { Blobs } from "./blobs.ts";
import type { Part } from "./parts.ts";
import type { ReadableVersion } from "./version.ts";

/** What a version on a shelf stands on. */
export interface VersionGround {
  readonly number: number;
  readonly contentHash: string;
  readonly items: number;
  readonly base: BaseRef;
  /** The open files of the base, in its order. */
  readonly parts: readonly Part[];
  readonly overlay: Overlay;
  /** The blob that the overlay came from or was put into; null where it has none. */
  readonly overlayBlob: string | null;
}

/** Makes a version of its ground. `know` is told of the ground of each version that comes of this one, itself included, and of a new overlay blob. */
export function createShelfVersion(
  ground: VersionGround,
  blobs: Blobs,
  know: (version: ReadableVersion, ground: VersionGround) => void,
): ReadableVersion {
  const { number, contentHash, items, base, parts, overlay } = ground;
  let content: Promise<Content> | undefined;

  const getFromBase = (key: string): string | undefined => parts[partIndexOf(murmur3(key), parts.length)]?.get(key);

  const get = (key: string): string | undefined => {
    const value = overlay.get(key);
    if (value === undefined) return getFromBase(key);
    return value === REMOVED ? undefined : value;
  };

  const version: ReadableVersion = {
    number,
    contentHash,
    items,
    base,
    get,
    getFromBase,
    *entries() {
      for (const [key, value] of overlay.entries()) if (value !== REMOVED) yield [key, value];
      for (const part of parts) {
        for (const item of part.entries()) if (overlay.get(item[0]) === undefined) yield item;
      }
    },
    *overlay() {
      for (const [key, value] of overlay.entries()) yield [key, value === REMOVED ? undefined : value];
    },
    measure: (delta) => measureDelta(ground, delta, get),
    with(delta, position) {
      const measured = measureDelta(ground, delta, get);
      if (measured.contentHash !== position.contentHash || measured.items !== position.items) {
        throw new SluiceError(
          "CORRUPT",
          `expected version ${position.number} to have ${position.items} items and content ${position.contentHash}, the delta on version ${number} gives ${measured.items} and ${measured.contentHash}; fetch the version again`,
          { details: { expected: position, found: measured } },
        );
      }
      return createShelfVersion(
        { ...ground, ...position, overlay: overlay.with(delta), overlayBlob: null },
        blobs,
        know,
      );
    },
    content() {
      content ??= contentOf(version, blobs).then(
        (made) => {
          if (made.overlay !== null && "blob" in made.overlay) {
            know(version, { ...ground, overlayBlob: made.overlay.blob });
          }
          return made;
        },
        (error: unknown) => {
          // A full disk may have room the next time.
          content = undefined;
          throw error;
        },
      );
      return content;
    },
  };
  know(version, ground);
  return version;
}

/** Content hash and number of items after a delta. Each old item is read once. */
export function measureDelta(
  before: { readonly contentHash: string; readonly items: number },
  delta: Delta,
  get: (key: string) => string | undefined,
): { readonly contentHash: string; readonly items: number } {
  const old = new Map<string, string | undefined>();
  for (const [key] of delta.set) old.set(key, get(key));
  for (const key of delta.remove) old.set(key, get(key));
  const lookup = (key: string): string | undefined => old.get(key);
  return {
    contentHash: applyDeltaHash(before.contentHash, delta, lookup),
    items: applyDeltaCount(before.items, delta, lookup),
  };
}

/** All that a version's overlay does to its base. */
export function overlayDelta(version: Pick<ReadableVersion, "overlay">): Delta {
  const set: (readonly [string, string])[] = [];
  const remove: string[] = [];
  for (const [key, canonical] of version.overlay()) {
    if (canonical === undefined) remove.push(key);
    else set.push([key, canonical]);
  }
  return createDelta(set, remove);
}

async function contentOf(version: ReadableVersion, blobs: Blobs): Promise<Content> {
  const { base, contentHash, items } = version;
  const delta = overlayDelta(version);
  if (delta.set.length + delta.remove.length === 0) return { base, overlay: null, contentHash, items };
  const text = encodeDelta(delta);
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= limits.inlineOverlayBytesMax) {
    return { base, overlay: { inline: deltaToJson(delta) }, contentHash, items };
  }
  const blob = deltaName(text);
  await blobs.put(blob, bytes);
  return { base, overlay: { blob, bytes: bytes.byteLength }, contentHash, items };
}
