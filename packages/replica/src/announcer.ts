import { emptyState, type LoggedEvent, type NamespaceState, own } from "@sluice/core";
import type { LineContents, Mark } from "@sluice/core/api";
import { createEventRing } from "./event-ring.ts";
import type { FeedListener } from "./feed.ts";
import type { Lines } from "./lines.ts";
import type { Shelf } from "./shelf.ts";
import type { DatasetLines, ReadableVersion } from "./version.ts";

/** The position up to which followers may be told, and what is held there. */
interface Position {
  readonly log: string | null;
  readonly state: NamespaceState;
  readonly datasets: ReadonlyMap<string, DatasetLines>;
}

/** One event, the state before and after it, and about how long it is on the wire. */
export interface Folded {
  readonly before: NamespaceState;
  readonly logged: LoggedEvent;
  readonly after: NamespaceState;
  readonly bytes: number;
}

/** What the replica has folded and is not announced yet. */
interface Backlog {
  /** The lines at the head of the queue; null where too much has piled up and the state will be announced whole. */
  readonly lines: Lines | null;
  /** The state that belongs to them. */
  state: NamespaceState;
  readonly queue: Folded[];
  /** Folded into `lines` since the last position at which all was prepared. */
  passed: Folded[];
  /** Whether what comes next is a whole state. */
  whole: boolean;
}

/** Past so many events that wait for content, the state is announced whole instead. */
const backlogMax = 10_000;

/**
 * Follows the replica's own fold at a distance: a position is announced once every line is prepared there, so that a follower
 * never asks for a blob that is not here. Only reverts run ahead, as marks.
 */
export interface Announcer {
  /** The lines were reset or unpacked: nothing announced before is of use once they are prepared. */
  restart(log: string, state: NamespaceState): void;
  /** Folds an event into the replica's lines and takes it for announcing. */
  fold(folded: Folded): void;
  /** Content has arrived. */
  advance(): void;
  /** Passes a mark on at once. */
  mark(mark: Mark): void;
  /** Tells the listeners what has become announceable since the last call. */
  flush(): void;
  position(): Position;
  contents(): Promise<{ readonly state: NamespaceState; readonly lines: Readonly<Record<string, LineContents>> }>;
  since(sequence: number): readonly LoggedEvent[] | null;
  /** Reverts that the replica knows of and the announced state does not. */
  ahead(): readonly Mark[];
  versions(): readonly ReadableVersion[];
  subscribe(listener: FeedListener): () => void;
}

/** Announces nothing at first. `lines` are the replica's own, and nobody else folds into them. */
export function createAnnouncer(dependencies: {
  readonly lines: Lines;
  readonly shelf: Shelf;
  /** How many events to keep for followers that come back; default 10,000. */
  readonly eventsMax?: number;
}): Announcer {
  const { lines, shelf, eventsMax = 10_000 } = dependencies;
  const listeners = new Set<FeedListener>();
  const ring = createEventRing({ eventsMax });
  let position: Position = { log: null, state: emptyState, datasets: new Map() };
  let latest: { log: string | null; state: NamespaceState } = { log: null, state: emptyState };
  let backlog: Backlog | null = null;
  let untold: { whole: boolean; events: LoggedEvent[]; marks: Mark[] } = { whole: false, events: [], marks: [] };
  /** Releases whose revert the listeners know of and the announced state does not. */
  let toldAhead: ReadonlySet<string> = new Set();

  const announceWhole = (state: NamespaceState, datasets: Position["datasets"]): void => {
    position = { log: latest.log, state, datasets };
    ring.clear(state.sequence);
    untold = { whole: true, events: [], marks: untold.marks };
  };

  const announce = (folded: readonly Folded[], datasets: Position["datasets"]): void => {
    const last = folded.at(-1);
    if (last === undefined) return;
    position = { ...position, state: last.after, datasets };
    for (const { logged, bytes } of folded) {
      ring.push(logged, bytes);
      untold.events.push(logged);
    }
  };

  /** Whether an event has to wait: its content is on its way. What was superseded meanwhile is not waited for. */
  const isOnItsWay = ({ logged: { event } }: Folded): boolean =>
    event.type === "version-published" &&
    lines.waitsFor(event.dataset, event.number) &&
    shelf.missing(event.content.base).length > 0;

  /** Announces what was passed where all is prepared at its end. */
  const commit = (behind: Backlog, its: Lines): void => {
    if (!its.prepared()) return;
    if (behind.whole) announceWhole(behind.state, its.current());
    else announce(behind.passed, its.current());
    behind.whole = false;
    behind.passed = [];
  };

  const catchUp = (behind: Backlog): void => {
    const { lines: its, queue } = behind;
    if (its === null) {
      if (!lines.prepared()) return;
      announceWhole(latest.state, lines.current());
      backlog = null;
      return;
    }
    its.advance();
    commit(behind, its);
    for (let [next] = queue; next !== undefined && !isOnItsWay(next); [next] = queue) {
      queue.shift();
      its.fold(next.before, next.logged, next.after);
      behind.state = next.after;
      behind.passed.push(next);
      commit(behind, its);
    }
    if (queue.length === 0 && behind.passed.length === 0 && !behind.whole && lines.prepared()) {
      // From here on the replica's own lines are announced: the versions that both made of the same patches become one again.
      position = { ...position, datasets: lines.current() };
      backlog = null;
    }
  };

  const ahead = (): readonly Mark[] => {
    if (backlog === null) return [];
    const marks: Mark[] = [];
    for (const { id, phase, ended } of Object.values(latest.state.releases)) {
      // Also of releases that begin after the announced position: followers will hear of the begin first.
      if (phase !== "reverted" || own(position.state.releases, id)?.phase === "reverted") continue;
      marks.push({ release: id, at: ended?.at ?? 0 });
    }
    return marks;
  };

  /** A revert runs ahead however it came, be it in a whole state, and also of the event that begins its release. */
  const newlyAhead = (): readonly Mark[] => {
    const marks = ahead();
    const news = marks.filter(({ release }) => !toldAhead.has(release));
    toldAhead = new Set(marks.map(({ release }) => release));
    return news;
  };

  return {
    restart(log, state) {
      latest = { log, state };
      if (lines.prepared()) {
        backlog = null;
        announceWhole(state, lines.current());
      } else backlog = { lines: lines.fork(), state, queue: [], passed: [], whole: true };
    },
    fold(folded) {
      const { before, logged, after } = folded;
      const prior = backlog === null ? lines.fork() : null;
      lines.fold(before, logged, after);
      latest = { ...latest, state: after };
      if (backlog === null && lines.prepared()) {
        announce([folded], lines.current());
        return;
      }
      backlog ??= { lines: prior, state: before, queue: [], passed: [], whole: false };
      if (backlog.lines !== null) backlog.queue.push(folded);
      if (backlog.queue.length + backlog.passed.length > backlogMax) {
        backlog = { lines: null, state: after, queue: [], passed: [], whole: true };
      }
      catchUp(backlog);
    },
    advance() {
      if (backlog !== null) catchUp(backlog);
      else position = { ...position, datasets: lines.current() };
    },
    mark: (mark) => void untold.marks.push(mark),
    flush() {
      const { whole, events, marks } = untold;
      untold = { whole: false, events: [], marks: [] };
      marks.push(...newlyAhead());
      for (const listener of listeners) {
        for (const mark of marks) listener.mark(mark);
        if (whole) listener.reset();
        if (events.length > 0) listener.events(events);
      }
    },
    position: () => position,
    async contents() {
      const { state, datasets } = position;
      const contents = [...datasets].map(async ([dataset, { stable, candidate }]) => {
        const its: LineContents = {
          stable: stable?.content() ?? null,
          candidate: candidate?.content() ?? null,
        };
        return [dataset, its] as const;
      });
      return { state, lines: Object.fromEntries(await Promise.all(contents)) };
    },
    since: (sequence) => ring.since(sequence),
    ahead,
    versions: () =>
      [...position.datasets.values(), ...(backlog?.lines?.current().values() ?? [])]
        .flatMap(({ stable, candidate }) => [stable, candidate])
        .filter((version) => version !== null),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
