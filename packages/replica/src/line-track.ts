import {
  type Content,
  type Delta,
  deltaFromJson,
  isSluiceError,
  type LinePosition,
  SluiceError,
  type WireDelta,
} from "@sluice/core";
import type { PackedVersion, Shelf } from "./shelf.ts";
import type { ReadableVersion } from "./version.ts";

/** A patch that was folded into the state and is still to be laid over a version. */
export interface QueuedPatch {
  readonly delta: WireDelta;
  readonly position: LinePosition;
}

/** One line of a dataset, from the publish that began it, on its way to being readable. Never changed in place. */
export type Track =
  | { readonly kind: "prepared"; readonly publish: number; readonly version: ReadableVersion }
  /** Blobs are missing, or a part is damaged; patches that come meanwhile wait in order. */
  | {
      readonly kind: "waiting";
      readonly publish: number;
      readonly ground: { readonly content: Content; readonly number: number } | { readonly version: ReadableVersion };
      readonly queue: readonly QueuedPatch[];
      /** The blob that is to blame: nothing is tried before it was looked at. */
      readonly suspect: string | null;
      /** Blobs that were looked at; when one of them is to blame again, what was published is wrong, not the copy. */
      readonly cleared: readonly string[];
    }
  /** What was published does not come to what it says. Only the whole state from the origin mends it. */
  | { readonly kind: "broken"; readonly publish: number };

/** A line that could not be prepared, and what would mend it: the blob fetched again, or the whole state where `blob` is null. */
export interface TrackFault {
  readonly blob: string | null;
  readonly error: SluiceError;
}

/** What a step made of a line. */
export interface TrackStep {
  readonly track: Track;
  readonly fault: TrackFault | null;
}

/** A line as a record on disk. */
export interface PackedTrack {
  readonly publish: number;
  readonly ground: { readonly content: Content; readonly number: number } | { readonly version: PackedVersion };
  readonly queue: readonly QueuedPatch[];
}

/** Past so many patches a line that cannot be prepared is given up; the whole state is less than all of them. */
const queuedPatchesMax = 10_000;

/** A line that begins with a content; `prepareTrack` comes next. */
export function startTrack(publish: number, content: Content, number: number): Track {
  return waiting(publish, { content, number }, []);
}

/** The line after a patch. `delta` is the patch in canonical form. */
export function patchTrack(shelf: Shelf, track: Track, patch: QueuedPatch, delta: Delta): TrackStep {
  if (track.kind === "broken") return { track, fault: null };
  if (track.kind === "prepared") return layOver(track.publish, track.version, [patch], () => delta);
  if (track.queue.length < queuedPatchesMax) {
    return { track: { ...track, queue: [...track.queue, patch] }, fault: null };
  }
  const error = new SluiceError("NOT_READY", `${queuedPatchesMax} patches wait for version ${track.publish}`, {
    details: { missing: "content" in track.ground ? shelf.missing(track.ground.content).length : 0 },
  });
  return broken(track.publish, error);
}

/** The line after one of its blobs was looked at, and found sound or fetched again. */
export function clearTrack(track: Track, blob: string): Track {
  if (track.kind !== "waiting" || track.suspect !== blob) return track;
  return { ...track, suspect: null, cleared: [...track.cleared, blob] };
}

/** Prepares a waiting line where that has become possible. */
export function prepareTrack(shelf: Shelf, track: Track): TrackStep {
  if (track.kind !== "waiting" || track.suspect !== null) return { track, fault: null };
  const { publish, ground, queue } = track;
  if ("version" in ground) return layOver(publish, ground.version, queue, canonicalDelta);
  if (shelf.missing(ground.content).length > 0) return { track, fault: null };
  try {
    const version = shelf.open(ground.content, ground.number);
    return layOver(publish, version, queue, canonicalDelta);
  } catch (error) {
    // A file that went away meanwhile is missing; a disk that cannot answer may answer the next time.
    if (isSluiceError(error, "BLOB_UNKNOWN", "STORE_UNAVAILABLE", "DISK_FULL")) return { track, fault: null };
    if (!isSluiceError(error)) throw error;
    const blob = blobOf(error);
    if (blob === null || track.cleared.includes(blob)) return broken(publish, error);
    return { track: { ...track, suspect: blob }, fault: { blob, error } };
  }
}

function layOver(
  publish: number,
  from: ReadableVersion,
  queue: readonly QueuedPatch[],
  deltaOf: (patch: QueuedPatch) => Delta,
): TrackStep {
  let version = from;
  for (const [index, patch] of queue.entries()) {
    try {
      version = version.with(deltaOf(patch), patch.position);
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      if (blobOf(error) === null) return broken(publish, error);
      // The base cannot be read where the patch falls: the shelf has said so, and the patches wait for the part.
      const rest = queue.slice(index);
      return { track: waiting(publish, { version }, rest), fault: null };
    }
  }
  return { track: { kind: "prepared", publish, version }, fault: null };
}

/** A patch's delta in canonical form. */
export function canonicalDelta(patch: Pick<QueuedPatch, "delta">): Delta {
  return deltaFromJson(patch.delta);
}

/** The line as a record; null where it is broken. */
export function packTrack(shelf: Shelf, track: Track): PackedTrack | null {
  if (track.kind === "broken") return null;
  const { publish } = track;
  if (track.kind === "prepared") return { publish, ground: { version: shelf.pack(track.version) }, queue: [] };
  const { ground, queue } = track;
  return { publish, ground: "version" in ground ? { version: shelf.pack(ground.version) } : ground, queue };
}

/** The line that was packed. A version whose blobs are not all here, or not what they were, waits for its blobs as a new one does. */
export function unpackTrack(shelf: Shelf, packed: PackedTrack): TrackStep {
  const { publish, ground, queue } = packed;
  const start = (from: { content: Content; number: number }): TrackStep =>
    prepareTrack(shelf, waiting(publish, from, queue));
  if ("content" in ground) return start(ground);
  let version: ReadableVersion;
  try {
    version = shelf.unpack(ground.version);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    return start(contentOfPacked(ground.version));
  }
  return layOver(publish, version, queue, canonicalDelta);
}

function contentOfPacked(packed: PackedVersion): { content: Content; number: number } {
  const { base, overlayText, contentHash, items, number } = packed;
  const overlay = overlayText === null ? null : { inline: JSON.parse(overlayText) as WireDelta };
  return { content: { base, overlay, contentHash, items }, number };
}

/** The newest version of a line that can be read; null where there is none. */
export function readableOf(track: Track | null): ReadableVersion | null {
  if (track === null || track.kind === "broken") return null;
  if (track.kind === "prepared") return track.version;
  return "version" in track.ground ? track.ground.version : null;
}

type Waiting = Extract<Track, { kind: "waiting" }>;

function waiting(publish: number, ground: Waiting["ground"], queue: Waiting["queue"]): Waiting {
  return { kind: "waiting", publish, ground, queue, suspect: null, cleared: [] };
}

function broken(publish: number, error: SluiceError): TrackStep {
  return { track: { kind: "broken", publish }, fault: { blob: null, error } };
}

function blobOf(error: SluiceError): string | null {
  const { blob } = error.details;
  return typeof blob === "string" ? blob : null;
}
