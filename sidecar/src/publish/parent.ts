import type { BaseRef, OverlayValue, PositionalRead } from "@sluice/core";
import { isSluiceError, murmur3, openLayer, openPart, REMOVED, SluiceError } from "@sluice/core";
import type { Blobs, OpenBlob, ReadableVersion } from "@sluice/replica";
import type { Pace } from "./pace.ts";
import { sliceOf } from "./spool.ts";

/** What the parent has in one slice of the key hash. */
export interface ParentSlice {
  /** Items as its base has them, parts and layers. */
  readonly base: Map<string, string>;
  /** What lies over them; undefined was removed. */
  readonly overlay: Overlay;
}

/** The version that an upload is compared with, read once from end to end in the order of the spool. */
export interface ParentReader {
  /** The next of the slices, from the first on. Throws CORRUPT, naming the part. */
  next(): Promise<ParentSlice>;
  /** Closes the part that is open. */
  close(): void;
}

type Overlay = Map<string, string | undefined>;
type BaseEntry = readonly [keyHash: number, key: string, value: OverlayValue];

/** Opens a version for `sliceCount` calls of `next`; null is an empty one. */
export async function openParent(
  version: ReadableVersion | null,
  blobs: Blobs,
  sliceCount: number,
  pace: Pace,
): Promise<ParentReader> {
  const overlays = version === null ? new Map<number, Overlay>() : await overlaysOf(version, sliceCount, pace);
  const strata = strataOf(version?.base ?? { parts: [], layers: [] }, blobs);
  let index = 0;
  return {
    async next() {
      const base = new Map<string, string>();
      for (const stratum of strata) {
        for (const [, key, value] of stratum.until((keyHash) => sliceOf(keyHash, sliceCount) !== index)) {
          if (value === REMOVED) base.delete(key);
          else base.set(key, value);
          if (pace.spent(value === REMOVED ? 0 : value.length)) await pace.turn();
        }
      }
      const overlay: Overlay = overlays.get(index) ?? new Map();
      index++;
      return { base, overlay };
    },
    close() {
      for (const stratum of strata) stratum.close();
    },
  };
}

/** The overlay by slice: at most some ten thousand items, held whole. */
async function overlaysOf(version: ReadableVersion, sliceCount: number, pace: Pace): Promise<Map<number, Overlay>> {
  const slices = new Map<number, Overlay>();
  for (const [key, canonical] of version.overlay()) {
    const index = sliceOf(murmur3(key), sliceCount);
    const slice: Overlay = slices.get(index) ?? new Map();
    slices.set(index, slice.set(key, canonical));
    if (pace.spent(key.length)) await pace.turn();
  }
  return slices;
}

/** What one file after another has, by key hash. */
interface Stratum {
  /** The entries from where the last call ended up to the first that is past the end, which is the next call's first. */
  until(isPast: (keyHash: number) => boolean): Iterable<BaseEntry>;
  close(): void;
}

/** The parts one after another, which are equal ranges of the key hash in order, then each layer: what comes later takes the place of what came before. */
function strataOf({ parts, layers }: BaseRef, blobs: Blobs): readonly Stratum[] {
  return [
    createStratum(entriesOf(parts, blobs, (read, bytes) => openPart(read, bytes).entries())),
    ...layers.map((layer) =>
      createStratum(entriesOf([layer], blobs, (read, bytes) => openLayer(read, bytes).entries())),
    ),
  ];
}

function createStratum(entries: Generator<BaseEntry, undefined>): Stratum {
  // Opened by the first call, inside of the try that closes it.
  let ahead: BaseEntry | null | undefined = null;
  return {
    *until(isPast) {
      if (ahead === null) ahead = entries.next().value;
      for (; ahead !== undefined && !isPast(ahead[0]); ahead = entries.next().value) yield ahead;
    },
    close: () => void entries.return(undefined),
  };
}

interface NamedFile {
  readonly name: string;
}

function* entriesOf(
  files: readonly NamedFile[],
  blobs: Blobs,
  read: (read: PositionalRead, bytes: number) => Iterable<readonly [string, OverlayValue]>,
): Generator<BaseEntry, undefined> {
  for (const file of files) {
    const blob = openBlob(blobs, file);
    try {
      const records = read((position, length) => blob.read(position, length), blob.bytes);
      for (const [key, value] of records) yield [murmur3(key), key, value];
    } catch (error) {
      throw namedPart(error, file);
    } finally {
      blob.close();
    }
  }
  return undefined;
}

function openBlob(blobs: Blobs, file: NamedFile): OpenBlob {
  try {
    return blobs.open(file.name);
  } catch (error) {
    throw namedPart(error, file);
  }
}

/** A part that this version stands on is damaged or gone, which for whoever wants to compare with it is the same. */
function namedPart(error: unknown, part: NamedFile): unknown {
  if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) return error;
  return new SluiceError(
    "CORRUPT",
    `nothing can be compared with the stable version, part ${part.name} of which cannot be read (${error.message}); stop the instance, put it back into blobs/ from a backup or a sidecar's directory, start again`,
    { details: { ...error.details, part: part.name }, cause: error },
  );
}
