import {
  type BaseRef,
  type Event,
  filesOfBase,
  type LoggedEvent,
  type NamespaceState,
  own,
  SluiceError,
} from "@sluice/core";
import type { LineContents } from "@sluice/core/api";
import {
  awaitedBase,
  clearTrack,
  type PackedTrack,
  packTrack,
  patchTrack,
  preparedTrack,
  prepareTrack,
  readableOf,
  rebaseTrack,
  startTrack,
  type Track,
  type TrackFault,
  type TrackStep,
  unpackTrack,
} from "./line-track.ts";
import type { NeededBlob, PackedVersion, Shelf } from "./shelf.ts";
import type { DatasetLines, ReadableVersion } from "./version.ts";

/** A line that could not be prepared. Where `blob` is named, that blob is to be fetched again, else the whole state. */
export interface LineFault extends TrackFault {
  readonly dataset: string;
  readonly publish: number;
}

/** A dataset's lines as a record on disk. `shown` is the stable version where the stable line is not prepared. */
export interface PackedLines {
  readonly stable: PackedTrack | null;
  readonly candidate: PackedTrack | null;
  readonly shown: PackedVersion | null;
}

/**
 * The contents of every dataset's lines, folded from the same events as the state. The state never waits for content: a line
 * that is not prepared yet shows its newest prepared version, an unprepared candidate none.
 */
export interface Lines {
  /** Takes the place of all that was held. A line whose number and content are held already keeps its version. */
  reset(state: NamespaceState, contents: Readonly<Record<string, LineContents>>): void;
  /** Takes one event that has been folded from `before` to `after`. */
  fold(before: NamespaceState, logged: LoggedEvent, after: NamespaceState): void;
  /** What can be read now; another map after each change. */
  current(): ReadonlyMap<string, DatasetLines>;
  /** Blobs that are missing, in the order in which they are wanted: what nothing is shown of first, stable lines, candidates, other bases. */
  missing(): readonly NeededBlob[];
  /**
   * To be called with the name of a blob that has arrived or was found to be sound, and without one when blobs may have come
   * or gone some other way. Whether something else can be read now.
   */
  advance(arrived?: string): boolean;
  /** Whether every line is at its newest version. */
  prepared(): boolean;
  /** Every version that is held. */
  versions(): ReadonlySet<ReadableVersion>;
  /** Names of the blobs that lines which are not prepared wait for or already have. */
  waitingBlobs(): readonly string[];
  /** The candidates that wait for a blob. */
  candidatesWaitingFor(blob: string): readonly { readonly dataset: string; readonly publish: number }[];
  /** All of it as records; null where a line is broken. */
  pack(): Readonly<Record<string, PackedLines>> | null;
  /** Takes back what `pack` made. What has gone from the disk meanwhile is missing. */
  unpack(packed: Readonly<Record<string, PackedLines>>): void;
}

interface Entry {
  readonly stable: Track | null;
  readonly candidate: Track | null;
  /** Where nothing is shown: the stable line that was on its way when the one after it began. It may be here sooner. */
  readonly former: Track | null;
  readonly shown: DatasetLines;
}

const nothing: Entry = { stable: null, candidate: null, former: null, shown: { stable: null, candidate: null } };

/** Holds nothing at first. `datasets` names those to hold, null (the default) holds all. `onFault` is called from within the method that met it. */
export function createLines(dependencies: {
  readonly shelf: Shelf;
  readonly datasets?: readonly string[] | null;
  readonly onFault?: (fault: LineFault) => void;
}): Lines {
  const { shelf, onFault = () => {} } = dependencies;
  const wanted = dependencies.datasets ? new Set(dependencies.datasets) : null;
  return linesOf(shelf, (dataset) => wanted === null || wanted.has(dataset), onFault, new Map());
}

function linesOf(
  shelf: Shelf,
  isWanted: (dataset: string) => boolean,
  onFault: (fault: LineFault) => void,
  entries: Map<string, Entry>,
): Lines {
  let shown: ReadonlyMap<string, DatasetLines> | undefined;
  let needed: readonly NeededBlob[] | undefined;
  /** What a base still lacks, so that the disk is not asked for each of its files as each of them arrives. */
  const lacking = new WeakMap<BaseRef, Map<string, NeededBlob>>();

  const lack = (base: BaseRef): Map<string, NeededBlob> => {
    const known = lacking.get(base);
    if (known !== undefined && known.size > 0) return known;
    const found = new Map(shelf.missing(base).map((blob) => [blob.name, blob]));
    lacking.set(base, found);
    return found;
  };

  const taken = (dataset: string, { track, fault }: TrackStep): Track => {
    if (fault !== null) onFault({ ...fault, dataset, publish: track.publish });
    return track;
  };

  /** Puts a dataset's lines in place and works out what they show. */
  const place = (dataset: string, stable: Track | null, candidate: Track | null): void => {
    const held = entries.get(dataset);
    const before = held ?? nothing;
    const { former } = before;
    const readable = candidate?.kind === "prepared" && !isDamaged(shelf, candidate.version) ? candidate.version : null;
    const now: DatasetLines = {
      // Never nothing in the place of something: what was shown stays until its successor is prepared.
      stable: stable === null ? null : (readableOf(stable) ?? before.shown.stable ?? readableOf(former)),
      candidate: readable,
    };
    const same = now.stable === before.shown.stable && now.candidate === before.shown.candidate;
    const isReplaced = before.stable?.publish !== stable?.publish;
    const kept = stable === null || now.stable !== null ? null : (former ?? (isReplaced ? before.stable : null));
    entries.set(dataset, { stable, candidate, former: kept, shown: same ? before.shown : now });
    if (!same || held === undefined) shown = undefined;
    if (before.stable !== stable || before.candidate !== candidate || former !== kept) needed = undefined;
  };

  /** Prepares a line where all that it stands on is here. */
  const prepare = (dataset: string, track: Track): Track => {
    const base = awaitedBase(track);
    return base !== null && lack(base).size > 0 ? track : taken(dataset, prepareTrack(shelf, track));
  };

  /** The same for one that nobody is told the faults of: it is done without where it is wrong. */
  const prepareFormer = (track: Track): Track | null => {
    const base = awaitedBase(track);
    if (base !== null && lack(base).size > 0) return track;
    const step = prepareTrack(shelf, track);
    return step.fault === null ? step.track : null;
  };

  /** Gives a dataset the tracks that the state names, out of those given. */
  const retarget = (state: NamespaceState, dataset: string, tracks: readonly (Track | null)[]): void => {
    const lines = own(state.datasets, dataset);
    const find = (publish: number | undefined): Track | null =>
      tracks.find((track) => track !== null && track.publish === publish) ?? null;
    place(dataset, find(lines?.stable?.publish), find(lines?.candidate?.publish));
  };

  const foldPatch = (event: Extract<Event, { type: "patched" }>): void => {
    const { dataset, delta, candidateDelta } = event;
    const { stable, candidate } = entries.get(dataset) ?? nothing;
    const patched = (track: Track | null, position: typeof event.candidate, its: typeof delta): Track | null =>
      track === null || position === null ? track : taken(dataset, patchTrack(shelf, track, { delta: its, position }));
    place(dataset, patched(stable, event.stable, delta), patched(candidate, event.candidate, candidateDelta ?? delta));
  };

  const foldRebase = (event: Extract<Event, { type: "rebased" }>): void => {
    const { dataset, publish } = event;
    const { stable, candidate } = entries.get(dataset) ?? nothing;
    const rebased = (track: Track | null): Track | null =>
      track?.publish === publish ? prepare(dataset, taken(dataset, rebaseTrack(track, event))) : track;
    place(dataset, rebased(stable), rebased(candidate));
  };

  const lines: Lines = {
    reset(state, contents) {
      const known = [...lines.versions()];
      for (const dataset of entries.keys()) if (own(state.datasets, dataset) === undefined) entries.delete(dataset);
      for (const [dataset, { stable, candidate }] of Object.entries(state.datasets)) {
        if (!isWanted(dataset)) continue;
        const held = entries.get(dataset);
        // What was on its way may be of another log.
        if (held !== undefined) entries.set(dataset, { ...nothing, shown: held.shown });
        const its = own(contents, dataset);
        const trackOf = (line: typeof stable, content: LineContents["stable"] | undefined): Track | null => {
          if (line === null) return null;
          const { publish, number } = line;
          const version = known.find((held) => held.number === number && held.contentHash === line.contentHash);
          if (version !== undefined) return preparedTrack(publish, version);
          if (content === null || content === undefined) return taken(dataset, contentless(publish));
          return prepare(dataset, startTrack(publish, content, number));
        };
        place(dataset, trackOf(stable, its?.stable), trackOf(candidate, its?.candidate));
      }
      shown = undefined;
      needed = undefined;
    },
    fold(before, { event }, after) {
      const dataset = datasetOf(event, before);
      if (dataset === null || !isWanted(dataset)) return;
      const { stable, candidate } = entries.get(dataset) ?? nothing;
      if (event.type === "patched") foldPatch(event);
      else if (event.type === "rebased") foldRebase(event);
      else if (event.type === "version-published" || event.type === "version-restored") {
        const track = prepare(dataset, startTrack(event.number, event.content, event.number));
        retarget(after, dataset, [stable, candidate, track]);
      } else retarget(after, dataset, [stable, candidate]);
    },
    current() {
      shown ??= new Map([...entries].map(([dataset, entry]) => [dataset, entry.shown]));
      return shown;
    },
    missing() {
      needed ??= missingOf([...entries.values()], lack);
      return needed;
    },
    advance(arrived) {
      const before = lines.current();
      if (arrived === undefined) needed = undefined;
      const look = (track: Track | null): void => {
        const base = awaitedBase(track);
        if (base !== null && arrived === undefined) lacking.delete(base);
        else if (base !== null && arrived !== undefined) lacking.get(base)?.delete(arrived);
      };
      for (const [dataset, entry] of entries) {
        const { stable, candidate, former } = entry;
        const advanced = (track: Track | null): Track | null => {
          look(track);
          if (track === null) return null;
          return prepare(dataset, arrived === undefined ? track : clearTrack(track, arrived));
        };
        look(former);
        if (former !== null) entries.set(dataset, { ...entry, former: prepareFormer(former) });
        place(dataset, advanced(stable), advanced(candidate));
      }
      return lines.current() !== before;
    },
    prepared() {
      return [...entries.values()].every(({ stable, candidate }) => isPrepared(stable) && isPrepared(candidate));
    },
    versions() {
      const versions = new Set<ReadableVersion | null>();
      for (const { stable, candidate, shown: its } of entries.values()) {
        for (const version of [readableOf(stable), readableOf(candidate), its.stable, its.candidate])
          versions.add(version);
      }
      versions.delete(null);
      return versions as Set<ReadableVersion>;
    },
    waitingBlobs() {
      const grounds = [...entries.values()].flatMap(({ stable, candidate, former }) =>
        [stable, candidate, former].map(awaitedBase),
      );
      return grounds.flatMap((base) => (base === null ? [] : filesOfBase(base).map(({ name }) => name)));
    },
    candidatesWaitingFor(blob) {
      return [...entries].flatMap(([dataset, { candidate }]) => {
        const base = awaitedBase(candidate);
        const waits = candidate !== null && base !== null && filesOfBase(base).some(({ name }) => name === blob);
        return waits ? [{ dataset, publish: candidate.publish }] : [];
      });
    },
    pack() {
      const packed: Record<string, PackedLines> = {};
      for (const [dataset, { stable, candidate, shown: its }] of entries) {
        if (stable?.kind === "broken" || candidate?.kind === "broken") return null;
        packed[dataset] = {
          stable: stable === null ? null : packTrack(shelf, stable),
          candidate: candidate === null ? null : packTrack(shelf, candidate),
          shown: its.stable === null || its.stable === readableOf(stable) ? null : shelf.pack(its.stable),
        };
      }
      return packed;
    },
    unpack(packed) {
      entries.clear();
      for (const [dataset, its] of Object.entries(packed)) {
        if (!isWanted(dataset)) continue;
        const unpacked = (track: PackedTrack | null): Track | null =>
          track === null ? null : taken(dataset, unpackTrack(shelf, track));
        const stable =
          its.shown === null ? null : unpackTrack(shelf, { publish: 0, ground: { version: its.shown }, queue: [] });
        entries.set(dataset, { ...nothing, shown: { stable: readableOf(stable?.track ?? null), candidate: null } });
        place(dataset, unpacked(its.stable), unpacked(its.candidate));
      }
      shown = undefined;
      needed = undefined;
    },
  };
  return lines;
}

function datasetOf(event: Event, before: NamespaceState): string | null {
  if ("dataset" in event) return event.dataset;
  // The state after it may have forgotten a release that ended.
  return event.type === "alert-received" ? null : (own(before.releases, event.release)?.dataset ?? null);
}

function isPrepared(track: Track | null): boolean {
  return track === null || track.kind === "prepared";
}

function isDamaged(shelf: Shelf, version: ReadableVersion): boolean {
  const damaged = shelf.damaged();
  return damaged.size > 0 && filesOfBase(version.base).some(({ name }) => damaged.has(name));
}

function contentless(publish: number): TrackStep {
  const error = new SluiceError("PROTOCOL", `the state names version ${publish} and says nothing of its content`);
  return { track: { kind: "broken", publish }, fault: { blob: null, error } };
}

function missingOf(
  entries: readonly Entry[],
  lack: (base: BaseRef) => ReadonlyMap<string, NeededBlob>,
): readonly NeededBlob[] {
  const blobs = new Map<string, NeededBlob>();
  const want = (track: Track | null): void => {
    const base = awaitedBase(track);
    if (base === null) return;
    for (const [name, blob] of lack(base)) blobs.set(name, blob);
  };
  for (const { former } of entries) want(former);
  for (const { stable, shown } of entries) if (shown.stable === null) want(stable);
  for (const { stable } of entries) if (stable?.kind !== "prepared") want(stable);
  for (const { candidate } of entries) if (candidate?.kind !== "prepared") want(candidate);
  // Nobody waits for another base under what is read already.
  for (const { stable, candidate } of entries) for (const track of [stable, candidate]) want(track);
  return [...blobs.values()];
}
