import {
  type BaseRef,
  type Content,
  type Delta,
  type Event,
  isSluiceError,
  type LinePosition,
  SluiceError,
  sumOfBase,
} from "@sluice/core";
import { createLineTrail, type LineTrail } from "./line-trail.ts";
import type { PackedVersion, Shelf } from "./shelf.ts";
import type { ReadableVersion } from "./version.ts";

/** A patch that was folded into the state and is still to be laid over a version. */
export interface QueuedPatch {
  readonly delta: Delta;
  readonly position: LinePosition;
}

/** A base that a version of the line stands on too. */
export interface Rebase {
  readonly base: BaseRef;
  readonly number: number;
  /** Files of it that were found wanting and looked at; when one of them is to blame again, what was said is wrong. */
  readonly blamed: readonly string[];
}

/** One line of a dataset, from the publish that began it, on its way to being readable. Never changed in place. */
export type Track =
  | {
      readonly kind: "prepared";
      readonly publish: number;
      readonly version: ReadableVersion;
      readonly trail: LineTrail;
      /** The base to move to once its files are here; the version is read meanwhile. */
      readonly rebase: Rebase | null;
    }
  /** Blobs are missing, or a file is damaged; patches that come meanwhile wait in order. */
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

type Prepared = Extract<Track, { kind: "prepared" }>;
type Waiting = Extract<Track, { kind: "waiting" }>;

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

/** A line whose newest version is here. */
export function preparedTrack(publish: number, version: ReadableVersion): Prepared {
  return { kind: "prepared", publish, version, trail: createLineTrail(version), rebase: null };
}

/** The line after a patch. */
export function patchTrack(shelf: Shelf, track: Track, patch: QueuedPatch): TrackStep {
  if (track.kind === "broken") return { track, fault: null };
  if (track.kind === "prepared") return layOver(track, [patch]);
  if (track.queue.length < queuedPatchesMax) {
    return { track: { ...track, queue: [...track.queue, patch] }, fault: null };
  }
  const error = new SluiceError("NOT_READY", `${queuedPatchesMax} patches wait for version ${track.publish}`, {
    details: { missing: "content" in track.ground ? shelf.missing(track.ground.content.base).length : 0 },
  });
  return broken(track.publish, error);
}

/**
 * The line after it was said to stand on another base too. One that is being read moves there when the files are here; a base of a
 * version that was never here, or too long ago to be proved, is left alone: another one will come. One that waits for its files
 * waits for these instead, which are the last to be removed at the origin.
 */
export function rebaseTrack(track: Track, event: Extract<Event, { type: "rebased" }>): TrackStep {
  const { base, number, contentHash, items } = event;
  if (track.kind === "broken") return { track, fault: null };
  const sum = sumOfBase(base);
  if (sum.contentHash !== contentHash || sum.items !== items) {
    const message = `expected the base of version ${number} to come to ${items} items and content ${contentHash}, its files come to ${sum.items} and ${sum.contentHash}`;
    return { track, fault: { blob: null, error: new SluiceError("CORRUPT", message) } };
  }
  if (track.kind === "waiting") {
    const queue = track.queue.filter(({ position }) => position.number > number);
    const from = "content" in track.ground ? track.ground.number : track.ground.version.number;
    if (number < from) return { track, fault: null };
    const content: Content = { base, overlay: null, contentHash, items };
    return { track: waiting(track.publish, { content, number }, queue), fault: null };
  }
  const held = track.trail.at(number);
  if (held === undefined) return { track, fault: null };
  if (held === contentHash) return { track: { ...track, rebase: { base, number, blamed: [] } }, fault: null };
  const message = `expected version ${number} to have content ${contentHash}, here it had ${held}; fetch the version again`;
  return { track, fault: { blob: null, error: new SluiceError("CORRUPT", message) } };
}

/** The line after one of its blobs was looked at, and found sound or fetched again. */
export function clearTrack(track: Track, blob: string): Track {
  if (track.kind !== "waiting" || track.suspect !== blob) return track;
  return { ...track, suspect: null, cleared: [...track.cleared, blob] };
}

/** Prepares a waiting line, or moves a prepared one to its new base, where that has become possible. */
export function prepareTrack(shelf: Shelf, track: Track): TrackStep {
  if (track.kind === "prepared") return moveTrack(shelf, track);
  if (track.kind !== "waiting" || track.suspect !== null) return { track, fault: null };
  const { publish, ground, queue } = track;
  if ("version" in ground) return layOver(preparedTrack(publish, ground.version), queue);
  if (shelf.missing(ground.content.base).length > 0) return { track, fault: null };
  try {
    const version = shelf.open(ground.content, ground.number);
    return layOver(preparedTrack(publish, version), queue);
  } catch (error) {
    // A file that went away meanwhile is missing; a disk that cannot answer may answer the next time.
    if (isSluiceError(error, "BLOB_UNKNOWN", "STORE_UNAVAILABLE", "DISK_FULL")) return { track, fault: null };
    if (!isSluiceError(error)) throw error;
    const blob = blobOf(error);
    if (blob === null || track.cleared.includes(blob)) return broken(publish, error);
    return { track: { ...track, suspect: blob }, fault: { blob, error } };
  }
}

function moveTrack(shelf: Shelf, track: Prepared): TrackStep {
  const { rebase, version } = track;
  if (rebase === null || shelf.missing(rebase.base).length > 0) return { track, fault: null };
  try {
    const moved = shelf.rebase(version, rebase.base, rebase.number);
    return { track: { ...track, version: moved, rebase: null }, fault: null };
  } catch (error) {
    // The version is read as before. A file that went away is missing; one that is not what it should be is looked at.
    if (isSluiceError(error, "BLOB_UNKNOWN", "STORE_UNAVAILABLE", "DISK_FULL")) return { track, fault: null };
    if (!isSluiceError(error)) throw error;
    const blob = blobOf(error);
    if (blob === null || rebase.blamed.includes(blob)) {
      return { track: { ...track, rebase: null }, fault: { blob: null, error } };
    }
    return { track: { ...track, rebase: { ...rebase, blamed: [...rebase.blamed, blob] } }, fault: { blob, error } };
  }
}

function layOver(track: Prepared, patches: readonly QueuedPatch[]): TrackStep {
  const { publish, trail } = track;
  let { version } = track;
  for (const [index, patch] of patches.entries()) {
    try {
      version = version.with(patch.delta, patch.position);
      trail.note(patch.position);
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      if (blobOf(error) === null) return broken(publish, error);
      // The base cannot be read where the patch falls: the shelf has said so, and the patches wait for the file.
      return { track: waiting(publish, { version }, patches.slice(index)), fault: null };
    }
  }
  return { track: { ...track, version }, fault: null };
}

/** The line as a record; null where it is broken. */
export function packTrack(shelf: Shelf, track: Track): PackedTrack | null {
  if (track.kind === "broken") return null;
  const { publish } = track;
  if (track.kind === "prepared") return { publish, ground: { version: shelf.pack(track.version) }, queue: [] };
  const { ground, queue } = track;
  return { publish, ground: "version" in ground ? { version: shelf.pack(ground.version) } : ground, queue };
}

/** The line that was packed. A version whose files are not all here, or not what they were, waits for them as a new one does. */
export function unpackTrack(shelf: Shelf, packed: PackedTrack): TrackStep {
  const { publish, ground, queue } = packed;
  const start = (content: Content, number: number): TrackStep =>
    prepareTrack(shelf, waiting(publish, { content, number }, queue));
  if ("content" in ground) return start(ground.content, ground.number);
  let version: ReadableVersion;
  try {
    version = shelf.unpack(ground.version);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    const { number, ...content } = ground.version;
    return start(content, number);
  }
  return layOver(preparedTrack(publish, version), queue);
}

/** The newest version of a line that can be read; null where there is none. */
export function readableOf(track: Track | null): ReadableVersion | null {
  if (track === null || track.kind === "broken") return null;
  if (track.kind === "prepared") return track.version;
  return "version" in track.ground ? track.ground.version : null;
}

/** The base whose files a line waits for: to be read at all, or to move to; null where it waits for none. */
export function awaitedBase(track: Track | null): BaseRef | null {
  if (track?.kind === "prepared") return track.rebase?.base ?? null;
  return track?.kind === "waiting" && "content" in track.ground ? track.ground.content.base : null;
}

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
