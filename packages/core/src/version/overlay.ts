import type { Delta } from "./delta.ts";
import { utf8Length } from "./utf8.ts";

/** Stands in an overlay or a layer for an item that was removed, so that what lies beneath is not asked. */
export const REMOVED: unique symbol = Symbol("removed");

/** What an overlay holds of a key: the canonical text of its value, or that it was removed. */
export type OverlayValue = string | typeof REMOVED;

/** The items set or removed since a base: a value that is never changed in place. */
export interface Overlay {
  /** The value of a key, REMOVED, or undefined where the overlay says nothing and the base is to be asked. */
  get(key: string): OverlayValue | undefined;
  /** The overlay after a delta, which made the version of this number. This one keeps reading as before; what they have in common is shared. */
  with(delta: Delta, number: number): Overlay;
  /** What was set or removed last by a version after this number: all that is left to lie over a base that has the content of that version. */
  after(number: number): Overlay;
  /** Every key once with its newest value, in no particular order. */
  entries(): Iterable<readonly [key: string, value: OverlayValue]>;
  /** Keys that it holds, removed ones included. */
  readonly size: number;
  /** UTF-8 bytes of these keys and their values. */
  readonly bytes: number;
}

interface Entry {
  readonly value: OverlayValue;
  /** The version that set or removed it. */
  readonly number: number;
}

type Level = ReadonlyMap<string, Entry>;

/** The overlay that says nothing: a version that is just its base. */
export const emptyOverlay: Overlay = overlayOf([], 0, 0);

/** `levels`: newest first. Maps that stand here are never written to again. */
function overlayOf(levels: readonly Level[], size: number, bytes: number): Overlay {
  const overlay: Overlay = Object.freeze({
    size,
    bytes,
    get: (key: string) => find(levels, key)?.value,
    with(delta: Delta, number: number) {
      if (delta.set.length + delta.remove.length === 0) return overlay;
      const newest = levelOf(delta, number);
      let nextSize = size;
      let nextBytes = bytes;
      for (const [key, { value }] of newest) {
        const old = find(levels, key);
        nextSize += old === undefined ? 1 : 0;
        nextBytes += bytesOf(key, value) - (old === undefined ? 0 : bytesOf(key, old.value));
      }
      return overlayOf(compacted([newest, ...levels]), nextSize, nextBytes);
    },
    after(number: number) {
      const left = new Map<string, Entry>();
      let leftBytes = 0;
      for (const [key, entry] of newestOf(levels)) {
        if (entry.number <= number) continue;
        left.set(key, entry);
        leftBytes += bytesOf(key, entry.value);
      }
      return left.size === 0 ? emptyOverlay : overlayOf([left], left.size, leftBytes);
    },
    *entries() {
      for (const [key, { value }] of newestOf(levels)) yield [key, value] as const;
    },
  });
  return overlay;
}

function* newestOf(levels: readonly Level[]): Generator<readonly [string, Entry]> {
  for (const [index, level] of levels.entries()) {
    const newer = levels.slice(0, index);
    for (const entry of level) if (find(newer, entry[0]) === undefined) yield entry;
  }
}

function find(levels: readonly Level[], key: string): Entry | undefined {
  for (const level of levels) {
    const entry = level.get(key);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function levelOf(delta: Delta, number: number): Level {
  const level = new Map<string, Entry>();
  for (const [key, value] of delta.set) level.set(key, { value, number });
  for (const key of delta.remove) level.set(key, { value: REMOVED, number });
  return level;
}

/**
 * Merges the newest levels until each is more than twice as big as the one before it: a lookup asks O(log n) maps, and an
 * item is copied O(log n) times over its life. Removals stay, down to the oldest level: the base may have the key.
 */
function compacted(levels: readonly Level[]): readonly Level[] {
  const [newest, older, ...rest] = levels;
  if (newest === undefined || older === undefined || older.size > 2 * newest.size) return levels;
  const merged = new Map(older);
  for (const [key, value] of newest) merged.set(key, value);
  return compacted([merged, ...rest]);
}

function bytesOf(key: string, value: OverlayValue): number {
  return utf8Length(key) + (value === REMOVED ? 0 : utf8Length(value));
}
