import {
  applyDelta,
  type BaseRef,
  type Clock,
  type Content,
  type Delta,
  emptyDelta,
  emptyOverlay,
  filesOfBase,
  SluiceError,
  sumOfBase,
} from "@sluice/core";
import type { Blobs } from "./blobs.ts";
import { createParts, type DamagedFile } from "./parts.ts";
import { createShelfVersion, type OpenBase, type VersionGround } from "./shelf-version.ts";
import type { ReadableVersion } from "./version.ts";

/** A blob that is needed and how long it is. */
export interface NeededBlob {
  readonly name: string;
  readonly bytes: number;
}

/** A version for a record on disk. */
export interface PackedVersion extends Content {
  readonly number: number;
}

/** The versions that are open, and the files under them. */
export interface Shelf {
  readonly blobs: Blobs;
  /** The files of a base that are not here, each once. */
  missing(base: BaseRef): readonly NeededBlob[];
  /**
   * Opens a version whose files are all here, synchronously: reads the files' headers, adds them up, lays the overlay over them and
   * proves content hash and items. Throws BLOB_UNKNOWN; CORRUPT, naming the blob in `details.blob` where one is to blame.
   */
  open(content: Content, number: number): ReadableVersion;
  /**
   * The same version on another base, one that has the content of `number`, an earlier version of its line or itself. What came
   * later stays in the overlay. Throws as `open` does.
   */
  rebase(version: ReadableVersion, base: BaseRef, number: number): ReadableVersion;
  /** The version as one record. */
  pack(version: ReadableVersion): PackedVersion;
  /** Opens what `pack` made, which was proved then. Throws as `open` does. */
  unpack(packed: PackedVersion): ReadableVersion;
  /** Files of which a read failed; `reopen` takes a file out. */
  damaged(): ReadonlyMap<string, DamagedFile>;
  /** Whether a version that is held, or was a moment ago, stands on a file. */
  isOpen(name: string): boolean;
  /** Opens a file anew, after it was fetched again. */
  reopen(name: string): void;
  /** Lets go of every other version: closes the files that none of these needs, 30 s later. */
  retain(versions: Iterable<ReadableVersion>): void;
  /** Closes every file. Versions can be read no more. */
  close(): void;
}

/** Opens nothing at first. `onDamage` hears of a file whose record, table or header cannot be read, once until it is opened again. */
export function createShelf(dependencies: {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly onDamage?: (name: string, error: SluiceError) => void;
}): Shelf {
  const { blobs, clock } = dependencies;
  const parts = createParts({ blobs, clock, onDamage: dependencies.onDamage ?? (() => {}) });
  const grounds = new WeakMap<ReadableVersion, VersionGround>();
  let retained = new Set<BaseRef>();
  let opened = false;

  const groundOf = (version: ReadableVersion): VersionGround => {
    const ground = grounds.get(version);
    if (ground === undefined) throw new Error("the version stands on another shelf");
    return ground;
  };

  const versionOf = (ground: VersionGround): ReadableVersion =>
    createShelfVersion(ground, (made, its) => void grounds.set(made, its));

  const openBase = (ref: BaseRef): OpenBase => {
    opened = true;
    return {
      ref,
      parts: ref.parts.map((part) => parts.part(part)),
      layers: ref.layers.map((layer) => parts.layer(layer)).toReversed(),
    };
  };

  const lay = (content: Content, number: number): ReadableVersion => {
    const { contentHash, items } = content;
    const overlay = emptyOverlay.with(content.overlay ?? emptyDelta, number);
    return versionOf({ number, contentHash, items, base: openBase(content.base), overlay });
  };

  return {
    blobs,
    missing(base) {
      const needed = new Map(filesOfBase(base).map(({ name, bytes }) => [name, { name, bytes }]));
      return [...needed.values()].filter(({ name }) => !blobs.has(name));
    },
    open(content, number) {
      const version = lay(content, number);
      prove(version, content.overlay ?? emptyDelta);
      return version;
    },
    rebase(version, ref, number) {
      const ground = groundOf(version);
      return versionOf({ ...ground, base: openBase(ref), overlay: ground.overlay.after(number) });
    },
    pack: (version) => ({ number: version.number, ...version.content() }),
    unpack: (packed) => lay(packed, packed.number),
    damaged: () => parts.damaged(),
    isOpen: (name) => parts.isOpen(name),
    reopen: (name) => parts.reopen(name),
    retain(versions) {
      const bases = new Set<BaseRef>();
      for (const { base } of versions) bases.add(base);
      // A patch makes a version on the same base, a hundred times a second.
      if (!opened && bases.size === retained.size && bases.isSubsetOf(retained)) return;
      retained = bases;
      opened = false;
      parts.retain(new Set([...bases].flatMap(filesOfBase).map(({ name }) => name)));
    },
    close: () => parts.close(),
  };
}

/** Proves a version by what its files add up to and what its overlay makes of that. Throws CORRUPT. */
function prove(version: ReadableVersion, overlay: Delta): void {
  const { number, contentHash, items } = version;
  const found = applyDelta(sumOfBase(version.base), overlay, (key) => version.getFromBase(key));
  if (found.contentHash === contentHash && found.items === items) return;
  throw new SluiceError(
    "CORRUPT",
    `expected version ${number} to have ${items} items and content ${contentHash}, its files and overlay give ${found.items} and ${found.contentHash}`,
    { details: { expected: { contentHash, items }, found } },
  );
}
