import type { BaseRef, PartRef } from "@sluice/core";
import { isSluiceError, murmur3, openPart, SluiceError } from "@sluice/core";
import type { Blobs, OpenBlob, ReadableVersion } from "@sluice/replica";
import type { Pace } from "./pace.ts";
import { sliceOf } from "./spool.ts";

/** What the parent has in one slice of the key hash. */
export interface ParentSlice {
  /** Items as its base has them. */
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
type BaseEntry = readonly [keyHash: number, key: string, canonical: string];

/** Opens a version for `sliceCount` calls of `next`; null is an empty one. */
export async function openParent(
  version: ReadableVersion | null,
  blobs: Blobs,
  sliceCount: number,
  pace: Pace,
): Promise<ParentReader> {
  const overlays = version === null ? new Map<number, Overlay>() : await overlaysOf(version, sliceCount, pace);
  const entries = baseEntries(version?.base ?? { parts: [] }, blobs);
  let ahead = entries.next().value;
  let index = 0;
  return {
    async next() {
      const base = new Map<string, string>();
      while (ahead !== undefined && sliceOf(ahead[0], sliceCount) === index) {
        const [, key, canonical] = ahead;
        base.set(key, canonical);
        ahead = entries.next().value;
        if (pace.spent(canonical.length)) await pace.turn();
      }
      const overlay: Overlay = overlays.get(index) ?? new Map();
      index++;
      return { base, overlay };
    },
    close: () => void entries.return(undefined),
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

/** The items of a base by key hash: parts are equal ranges of it in order, and so are the records of a part. */
function* baseEntries({ parts }: BaseRef, blobs: Blobs): Generator<BaseEntry, undefined> {
  for (const part of parts) {
    const blob = openBlob(blobs, part);
    try {
      for (const [key, canonical] of openPart(
        (position, length) => blob.read(position, length),
        blob.bytes,
      ).entries()) {
        yield [murmur3(key), key, canonical];
      }
    } catch (error) {
      throw namedPart(error, part);
    } finally {
      blob.close();
    }
  }
  return undefined;
}

function openBlob(blobs: Blobs, part: PartRef): OpenBlob {
  try {
    return blobs.open(part.name);
  } catch (error) {
    throw namedPart(error, part);
  }
}

/** A part that this version stands on is damaged or gone, which for whoever wants to compare with it is the same. */
function namedPart(error: unknown, part: PartRef): unknown {
  if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) return error;
  return new SluiceError(
    "CORRUPT",
    `nothing can be compared with the stable version, part ${part.name} of which cannot be read (${error.message}); stop the instance, put it back into blobs/ from a backup or a sidecar's directory, start again`,
    { details: { ...error.details, part: part.name }, cause: error },
  );
}
