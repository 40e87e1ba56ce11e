import { emptyState, type LoggedEvent, type NamespaceState, own, SluiceError } from "@sluice/core";
import type { LineContents, Mark } from "@sluice/core/api";
import { createEventRing } from "./event-ring.ts";
import type { FeedListener } from "./feed.ts";
import type { Lines } from "./lines.ts";
import { contentsOfPacked } from "./packed-contents.ts";
import { newlyReverted } from "./reverted.ts";
import type { DatasetLines, ReadableVersion } from "./version.ts";

/** One event, the state before and after it, and about how long it is on the wire. */
export interface Folded {
  readonly before: NamespaceState;
  readonly logged: LoggedEvent;
  readonly after: NamespaceState;
  readonly bytes: number;
}

/** What whoever follows a replica is told: at once and in order, whatever content is still on its way. */
export interface Announcer {
  /** The lines were reset or unpacked: what is told next is the state, whole. */
  restart(log: string, state: NamespaceState): void;
  /** Folds an event into the replica's lines and takes it for telling. */
  fold(folded: Folded): void;
  /** Content has arrived. */
  advance(): void;
  /** Passes a mark on at once. */
  mark(mark: Mark): void;
  /** What hosts have taken back for themselves has changed. */
  here(): void;
  /** Tells the listeners what there is to tell since the last call. */
  flush(): void;
  /** How far the listeners are, or will be with the next `flush`. */
  position(): { readonly log: string | null; readonly state: NamespaceState };
  /**
   * What somebody new starts from: the last position at which every line was prepared, so that all of it can be fetched here, as
   * long as the events since are kept; else the last one, whose content is on its way. Throws NOT_READY while a line is broken.
   */
  contents(): { readonly state: NamespaceState; readonly lines: Readonly<Record<string, LineContents>> };
  /** The position that `contents` would give now. */
  contentsSequence(): number;
  since(sequence: number): readonly LoggedEvent[] | null;
  /** Versions that somebody new may start from. */
  versions(): readonly ReadableVersion[];
  subscribe(listener: FeedListener): () => void;
}

interface Untold {
  readonly whole: boolean;
  here: boolean;
  readonly events: LoggedEvent[];
  readonly marks: Mark[];
}

/** Tells nothing at first. `lines` are the replica's own, and nobody else folds into them. */
export function createAnnouncer(dependencies: {
  readonly lines: Lines;
  /** How many events to keep for followers that come back; default 10,000. */
  readonly eventsMax?: number;
}): Announcer {
  const { lines, eventsMax = 10_000 } = dependencies;
  const listeners = new Set<FeedListener>();
  const ring = createEventRing({ eventsMax });
  let position: { log: string | null; state: NamespaceState } = { log: null, state: emptyState };
  /** The last position at which every line was prepared; null where there was none since the lines were reset. */
  let prepared: { readonly state: NamespaceState; readonly datasets: ReadonlyMap<string, DatasetLines> } | null = null;
  let untold: Untold = { whole: false, here: false, events: [], marks: [] };

  const look = (): void => {
    if (!lines.prepared()) return;
    const datasets = lines.current();
    // A candidate whose file is damaged is not shown, and somebody new would be told of a line without its content.
    const isWhole = [...datasets].every(([name, { stable, candidate }]) => {
      const its = own(position.state.datasets, name);
      return (stable !== null || !its?.stable) && (candidate !== null || !its?.candidate);
    });
    if (isWhole) prepared = { state: position.state, datasets };
  };

  /** The last position at which every line was prepared, where the events since are kept. */
  const reached = (): typeof prepared => (prepared !== null && ring.reaches(prepared.state.sequence) ? prepared : null);

  return {
    restart(log, state) {
      // To hand everybody a whole state takes a while, and a revert that it brings has to run ahead of that.
      const reverted = position.log === log ? newlyReverted(position.state, state) : [];
      position = { log, state };
      prepared = null;
      look();
      ring.clear(state.sequence);
      untold = { whole: true, here: untold.here, events: [], marks: [...untold.marks, ...reverted] };
    },
    fold({ before, logged, after, bytes }) {
      lines.fold(before, logged, after);
      position = { ...position, state: after };
      look();
      ring.push(logged, bytes);
      untold.events.push(logged);
    },
    advance: look,
    mark: (mark) => void untold.marks.push(mark),
    here() {
      untold.here = true;
    },
    flush() {
      const { whole, here, events, marks } = untold;
      untold = { whole: false, here: false, events: [], marks: [] };
      for (const listener of listeners) {
        for (const mark of marks) listener.mark(mark);
        if (here) listener.here?.();
        if (whole) listener.reset();
        if (events.length > 0) listener.events(events);
      }
    },
    position: () => position,
    contents() {
      const from = reached();
      if (from !== null) {
        const contents: Record<string, LineContents> = {};
        for (const [dataset, { stable, candidate }] of from.datasets) {
          contents[dataset] = { stable: stable?.content() ?? null, candidate: candidate?.content() ?? null };
        }
        return { state: from.state, lines: contents };
      }
      const packed = lines.pack();
      if (packed === null) throw new SluiceError("NOT_READY", "a version here is wrong and is fetched anew; try again");
      return { state: position.state, lines: contentsOfPacked(packed) };
    },
    contentsSequence: () => (reached()?.state ?? position.state).sequence,
    since: (sequence) => ring.since(sequence),
    versions: () =>
      [...(reached()?.datasets.values() ?? [])]
        .flatMap(({ stable, candidate }) => [stable, candidate])
        .filter((version) => version !== null),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
