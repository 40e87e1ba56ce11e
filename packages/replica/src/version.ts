import type { BaseRef, Content, ContentSum, Delta, LinePosition } from "@sluice/core";

/** One immutable version of a dataset, held locally and ready to be read. Reads are synchronous and never touch the network. */
export interface ReadableVersion {
  readonly number: number;
  readonly contentHash: string;
  readonly items: number;
  /** The files that it stands on. */
  readonly base: BaseRef;
  /** Keys that lie over the base, removed ones included, and the UTF-8 bytes of these keys and their values. */
  readonly overlaySize: { readonly items: number; readonly bytes: number };
  /** Canonical JSON text of an item; undefined where there is none. Throws CORRUPT, naming the file. */
  get(key: string): string | undefined;
  /** The item as the base has it, whatever lies over it. */
  getFromBase(key: string): string | undefined;
  /** Every item, in no particular order. */
  entries(): Iterable<readonly [key: string, canonical: string]>;
  /** What lies over the base, each key once in no particular order; undefined for an item that was removed. */
  overlay(): Iterable<readonly [key: string, canonical: string | undefined]>;
  /** What a delta would make of this version. */
  measure(delta: Delta): ContentSum;
  /** The version after a delta, sharing everything else. Throws CORRUPT where it does not come to the position's content hash and items. */
  with(delta: Delta, position: LinePosition): ReadableVersion;
  /** All that somebody else needs to hold this version, besides the files of its base. */
  content(): Content;
}

/** The prepared versions of a dataset's two lines, at most as new as the log position that they belong to. */
export interface DatasetLines {
  readonly stable: ReadableVersion | null;
  readonly candidate: ReadableVersion | null;
}
