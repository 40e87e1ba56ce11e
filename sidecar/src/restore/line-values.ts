import type { Content, Delta } from "@sluice/core";
import type { Shelf } from "@sluice/replica";

/** The items of a line, from one of its versions on, as patches come. */
export interface LineValues {
  /** The newest version that has been taken. */
  readonly number: number;
  /** Canonical JSON text; undefined where there is none. Throws CORRUPT, naming the file. */
  get(key: string): string | undefined;
  set(key: string, canonical: string | undefined): void;
  /** Takes what a patch did to the line, where it came after this version. */
  take(number: number, delta: Delta): void;
  readonly base: Content["base"];
  /** What lies over the base, each key once; undefined for an item that was removed. */
  overlay(): Iterable<readonly [key: string, canonical: string | undefined]>;
}

/** Begins with a version whose files are here. Throws as `Shelf.open` does. */
export function createLineValues(shelf: Shelf, content: Content, number: number): LineValues {
  const version = shelf.open(content, number);
  const over = new Map<string, string | undefined>();
  let newest = version.number;
  const get = (key: string): string | undefined => (over.has(key) ? over.get(key) : version.get(key));
  return {
    get number() {
      return newest;
    },
    get,
    set: (key, canonical) => void over.set(key, canonical),
    take(number, { set, remove }) {
      if (number <= newest) return;
      newest = number;
      for (const [key, canonical] of set) over.set(key, canonical);
      for (const key of remove) over.set(key, undefined);
    },
    base: version.base,
    *overlay() {
      for (const entry of version.overlay()) if (!over.has(entry[0])) yield entry;
      yield* over;
    },
  };
}
