import {
  applyDelta,
  type BaseRef,
  type ContentSum,
  createDelta,
  type Delta,
  emptyDelta,
  murmur3,
  type Overlay,
  type OverlayValue,
  partIndexOf,
  REMOVED,
  SluiceError,
} from "@sluice/core";
import type { Layer, Part } from "./parts.ts";
import type { ReadableVersion } from "./version.ts";

/** The open files of a base. */
export interface OpenBase {
  readonly ref: BaseRef;
  /** In the base's order. */
  readonly parts: readonly Part[];
  /** The newest first: in the order in which they are asked. */
  readonly layers: readonly Layer[];
}

/** What a version on a shelf stands on. */
export interface VersionGround {
  readonly number: number;
  readonly contentHash: string;
  readonly items: number;
  readonly base: OpenBase;
  readonly overlay: Overlay;
}

/** Makes a version of its ground. `know` is told of the ground of each version that comes of this one, itself included. */
export function createShelfVersion(
  ground: VersionGround,
  know: (version: ReadableVersion, ground: VersionGround) => void,
): ReadableVersion {
  const { number, contentHash, items, base, overlay } = ground;
  const { parts, layers } = base;
  let overlaid: Delta | undefined;
  /** What was measured here: who decides on a patch lays it over the version next, and its delta is the same object. */
  let measured: WeakMap<Delta, ContentSum> | undefined;

  const getFromBase = (key: string): string | undefined => {
    const keyHash = murmur3(key);
    for (const layer of layers) {
      const value = layer.get(key, keyHash);
      if (value !== undefined) return value === REMOVED ? undefined : value;
    }
    return parts[partIndexOf(keyHash, parts.length)]?.get(key, keyHash);
  };

  const get = (key: string): string | undefined => {
    const value = overlay.get(key);
    if (value === undefined) return getFromBase(key);
    return value === REMOVED ? undefined : value;
  };

  const version: ReadableVersion = {
    number,
    contentHash,
    items,
    base: base.ref,
    overlaySize: { items: overlay.size, bytes: overlay.bytes },
    get,
    getFromBase,
    *entries() {
      for (const [key, value] of overlay.entries()) if (value !== REMOVED) yield [key, value];
      for (const [key, value] of baseEntries(base)) if (overlay.get(key) === undefined) yield [key, value];
    },
    *overlay() {
      for (const [key, value] of overlay.entries()) yield [key, value === REMOVED ? undefined : value];
    },
    measure(delta) {
      const sum = applyDelta(ground, delta, get);
      measured ??= new WeakMap();
      measured.set(delta, sum);
      return sum;
    },
    with(delta, position) {
      const sum = measured?.get(delta) ?? applyDelta(ground, delta, get);
      if (sum.contentHash !== position.contentHash || sum.items !== position.items) {
        throw new SluiceError(
          "CORRUPT",
          `expected version ${position.number} to have ${position.items} items and content ${position.contentHash}, the delta on version ${number} gives ${sum.items} and ${sum.contentHash}; fetch the version again`,
          { details: { expected: position, found: sum } },
        );
      }
      return createShelfVersion({ ...ground, ...position, overlay: overlay.with(delta, position.number) }, know);
    },
    content() {
      overlaid ??= deltaOf(overlay);
      const isBase = overlay.size === 0;
      return { base: base.ref, overlay: isBase ? null : overlaid, contentHash, items };
    },
  };
  know(version, ground);
  return version;
}

/** All that an overlay does to its base. */
function deltaOf(overlay: Overlay): Delta {
  if (overlay.size === 0) return emptyDelta;
  const set: (readonly [string, string])[] = [];
  const remove: string[] = [];
  for (const [key, value] of overlay.entries()) {
    if (value === REMOVED) remove.push(key);
    else set.push([key, value]);
  }
  return createDelta(set, remove);
}

function* baseEntries({ parts, layers }: OpenBase): Generator<readonly [key: string, canonical: string]> {
  for (const [index, layer] of layers.entries()) {
    const newer = layers.slice(0, index);
    for (const [key, value] of layer.entries() as Iterable<readonly [string, OverlayValue]>) {
      if (value !== REMOVED && !isHidden(key, newer)) yield [key, value];
    }
  }
  for (const part of parts) {
    for (const item of part.entries()) if (!isHidden(item[0], layers)) yield item;
  }
}

function isHidden(key: string, newer: readonly Layer[]): boolean {
  if (newer.length === 0) return false;
  const keyHash = murmur3(key);
  return newer.some((layer) => layer.get(key, keyHash) !== undefined);
}
