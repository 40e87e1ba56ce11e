import {
  type BaseRef,
  type Clock,
  type Content,
  createContentHash,
  type Delta,
  type DeltaLimits,
  decodeDelta,
  defaultDeltaLimits,
  deltaFromJson,
  emptyDelta,
  emptyOverlay,
  encodeDelta,
  type OverlayRef,
  type PartRef,
  SluiceError,
} from "@sluice/core";
import { assertBlobName, type Blobs } from "./blobs.ts";
import { createParts } from "./parts.ts";
import { createShelfVersion, measureDelta, overlayDelta, type VersionGround } from "./shelf-version.ts";
import type { ReadableVersion } from "./version.ts";

/** A blob that is needed and how long it is. */
export interface NeededBlob {
  readonly name: string;
  readonly bytes: number;
}

/** A version as one piece of text and what it stands on, for a record on disk. */
export interface PackedVersion {
  readonly number: number;
  readonly contentHash: string;
  readonly items: number;
  readonly base: BaseRef;
  /** The encoded delta over the base; null where there is none. */
  readonly overlayText: string | null;
}

/** The versions that are open, and the part files under them. */
export interface Shelf {
  readonly blobs: Blobs;
  /** The blobs that a content needs and that are not here, each once. */
  missing(content: Content): readonly NeededBlob[];
  /**
   * Opens a version whose blobs are all here, synchronously: reads the parts' headers, lays the overlay over them and proves
   * content hash and items. Throws BLOB_UNKNOWN; CORRUPT, naming the blob in `details.blob` where one is to blame.
   */
  open(content: Content, number: number): ReadableVersion;
  /** The version as one record, its overlay as text whatever its size. */
  pack(version: ReadableVersion): PackedVersion;
  /** Opens what `pack` made. Throws as `open` does. */
  unpack(packed: PackedVersion): ReadableVersion;
  /** Names of the blobs that a version of this shelf needs, or that its `content` has named. */
  blobsOf(version: ReadableVersion): readonly string[];
  /** Parts of which a read failed; `reopen` takes a part out. */
  damaged(): ReadonlyMap<string, PartRef>;
  /** Opens a part's file anew, after it was fetched again. */
  reopen(name: string): void;
  /** Lets go of every other version: closes the parts that none of these needs, 30 s later. */
  retain(versions: Iterable<ReadableVersion>): void;
  /** Closes every file. Versions can be read no more. */
  close(): void;
}

/** What followers must be able to open: an overlay may be as big as a dataset. */
const overlayLimits: DeltaLimits = { ...defaultDeltaLimits, deltaItemsMax: 10_000_000, deltaBytesMax: 2 ** 29 };

/** Opens nothing at first. `onDamage` hears of a part whose record, table or file cannot be read, once until it is opened again. */
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

  const open = (
    content: Pick<Content, "base" | "contentHash" | "items">,
    number: number,
    delta: Delta,
    overlayBlob: string | null,
  ): ReadableVersion => {
    const { base, contentHash, items } = content;
    opened = true;
    const ground: VersionGround = {
      number,
      contentHash,
      items,
      base,
      parts: base.parts.map((ref) => parts.open(ref)),
      overlay: emptyOverlay.with(delta),
      overlayBlob,
    };
    const version = createShelfVersion(ground, blobs, (made, its) => void grounds.set(made, its));
    const found = measureDelta(sumOf(base), delta, (key) => version.getFromBase(key));
    if (found.contentHash !== contentHash || found.items !== items) {
      throw new SluiceError(
        "CORRUPT",
        `expected version ${number} to have ${items} items and content ${contentHash}, its parts and overlay give ${found.items} and ${found.contentHash}`,
        { details: { expected: { contentHash, items }, found } },
      );
    }
    return version;
  };

  return {
    blobs,
    missing(content) {
      const needed = new Map<string, NeededBlob>();
      for (const { name, bytes } of content.base.parts) needed.set(name, { name, bytes });
      const { overlay } = content;
      if (overlay !== null && "blob" in overlay) needed.set(overlay.blob, { name: overlay.blob, bytes: overlay.bytes });
      return [...needed.values()].filter(({ name }) => !blobs.has(name));
    },
    open: (content, number) => open(content, number, readOverlay(content.overlay, blobs), blobOf(content.overlay)),
    pack(version) {
      const { number, contentHash, items, base, overlay } = groundOf(version);
      const overlayText = overlay.size === 0 ? null : encodeDelta(overlayDelta(version));
      return { number, contentHash, items, base, overlayText };
    },
    unpack(packed) {
      const { overlayText } = packed;
      const delta = overlayText === null ? emptyDelta : decodeDelta(overlayText, overlayLimits);
      return open(packed, packed.number, delta, null);
    },
    blobsOf(version) {
      const { base, overlayBlob } = groundOf(version);
      const names = base.parts.map(({ name }) => name);
      return overlayBlob === null ? names : [...names, overlayBlob];
    },
    damaged: () => parts.damaged(),
    reopen: (name) => parts.reopen(name),
    retain(versions) {
      const bases = new Set<BaseRef>();
      for (const { base } of versions) bases.add(base);
      // A patch makes a version on the same base, a hundred times a second.
      if (!opened && bases.size === retained.size && bases.isSubsetOf(retained)) return;
      retained = bases;
      opened = false;
      parts.retain(new Set([...bases].flatMap((base) => base.parts.map(({ name }) => name))));
    },
    close: () => parts.close(),
  };
}

function sumOf(base: BaseRef): { contentHash: string; items: number } {
  const sum = createContentHash();
  let items = 0;
  for (const part of base.parts) {
    sum.addHash(part.contentHash);
    items += part.items;
  }
  return { contentHash: sum.hex(), items };
}

function blobOf(overlay: OverlayRef | null): string | null {
  return overlay !== null && "blob" in overlay ? overlay.blob : null;
}

function readOverlay(overlay: OverlayRef | null, blobs: Blobs): Delta {
  if (overlay === null) return emptyDelta;
  if ("inline" in overlay) return deltaFromJson(overlay.inline, overlayLimits);
  const blob = blobs.open(overlay.blob);
  try {
    const bytes = blob.read(0, blob.bytes);
    assertBlobName(overlay.blob, bytes);
    return decodeDelta(Buffer.from(bytes).toString("utf8"), overlayLimits);
  } finally {
    blob.close();
  }
}
