import { emptyState, evolve, type LoggedEvent, type NamespaceState, SluiceError } from "@sluice/core";
import type { Frame, HereReverts, Mark } from "@sluice/core/api";
import { type Announcer, createAnnouncer } from "./announcer.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { HereBook } from "./here-book.ts";
import { createLines, type LineFault, type Lines } from "./lines.ts";
import type { MarkBook } from "./mark-book.ts";
import type { Snapshot, SnapshotChange } from "./replica.ts";
import { newlyReverted } from "./reverted.ts";
import type { Shelf } from "./shelf.ts";

/**
 * What a replica holds, and what frames, content and the disk make of it. No network and no time in here: each method is a
 * step from one snapshot to the next.
 */
export interface Holding {
  readonly lines: Lines;
  readonly announcer: Announcer;
  snapshot(): Snapshot;
  /**
   * Folds events that follow the state; `bytes` is about how long they are. Throws PROTOCOL where they do not follow, with
   * `gap` in the details where some are missing; what could be folded before that is.
   */
  fold(events: readonly LoggedEvent[], bytes: number): void;
  /** Takes a whole state. Throws PROTOCOL where it is behind what is held. */
  reset(log: string, frame: Extract<Frame, { type: "state" }>): void;
  /** Takes a mark. False where it is nothing new. */
  mark(mark: Mark): boolean;
  /** Takes what hosts have taken back for themselves. False where it is nothing new. */
  here(hosts: readonly HereReverts[]): boolean;
  /** Takes the position that was on disk. Throws CORRUPT, and holds nothing, where it does not have the shape of one. */
  restore(checkpoint: Checkpoint): void;
  /** Content has arrived, the blob of that name or some. */
  advance(blob?: string): void;
}

/** Holds nothing at first. */
export function createHolding(dependencies: {
  readonly shelf: Shelf;
  readonly marks: MarkBook;
  readonly hereBook: HereBook;
  /** Null holds all. */
  readonly datasets: readonly string[] | null;
  /** How many events to keep for followers. */
  readonly eventsMax: number;
  /** Called once a snapshot is in effect, with the releases that new views do not see any more since then. */
  readonly onSwap: (change: SnapshotChange, reverted: readonly string[]) => void;
  /** Called after every step with what is to be mended. */
  readonly onStep: (faults: readonly LineFault[]) => void;
}): Holding {
  const { shelf, marks, hereBook, datasets, eventsMax, onSwap, onStep } = dependencies;
  const faults: LineFault[] = [];
  const lines = createLines({ shelf, datasets, onFault: (fault) => void faults.push(fault) });
  const announcer = createAnnouncer({ lines, eventsMax });
  let snapshot: Snapshot = { log: null, state: emptyState, datasets: new Map(), marks: new Set() };

  /** Whoever takes it back, the views are the same. */
  const inForce = (state: NamespaceState): ReadonlySet<string> => {
    const here = hereBook.inForce(state);
    return here.size === 0 ? marks.inForce(state) : marks.inForce(state).union(here);
  };

  const swap = (
    next: { readonly log: string | null; readonly state: NamespaceState },
    events: SnapshotChange["events"],
    newMarks: readonly Mark[],
  ): void => {
    const previous = snapshot;
    const { log, state } = next;
    snapshot = { log, state, datasets: lines.current(), marks: inForce(state) };
    const reverted = previous.log === log ? newlyReverted(previous.state, state) : [];
    for (const mark of reverted) marks.reverted(mark, state.sequence);
    const taken = [...reverted, ...newMarks].map(({ release }) => release);
    onSwap({ snapshot, previous, events, marks: newMarks }, taken);
    announcer.flush();
    onStep(faults.splice(0));
  };

  return {
    lines,
    announcer,
    snapshot: () => snapshot,
    fold(events, bytes) {
      let { state } = snapshot;
      const first = state.sequence + 1;
      const gap = events.findIndex(({ sequence }, index) => sequence !== first + index);
      if (gap !== -1) {
        const message = `expected event ${first + gap}, came ${events[gap]?.sequence}`;
        throw new SluiceError("PROTOCOL", message, { details: { gap: true } });
      }
      try {
        for (const logged of events) {
          const before = state;
          const after = evolve(before, logged);
          announcer.fold({ before, logged, after, bytes: bytes / events.length });
          state = after;
        }
      } catch (error) {
        throw new SluiceError("PROTOCOL", "an event cannot follow the state that is held", { cause: error });
      } finally {
        marks.settle(state);
        swap({ ...snapshot, state }, events.slice(0, state.sequence + 1 - first), []);
      }
    },
    reset(log, frame) {
      const { state } = frame;
      if (log === snapshot.log && state.sequence < snapshot.state.sequence) {
        // To go back could show what was reverted.
        const message = `the instance is at event ${state.sequence}, behind event ${snapshot.state.sequence} that is held`;
        throw new SluiceError("PROTOCOL", message);
      }
      if (snapshot.log !== null && snapshot.log !== log) {
        marks.clear();
        hereBook.clear();
      }
      lines.reset(state, frame.lines);
      announcer.restart(log, state);
      marks.settle(state);
      const newMarks = frame.marks.filter((mark) => marks.add(mark, state));
      for (const mark of newMarks) announcer.mark(mark);
      swap({ log, state }, null, newMarks);
    },
    mark(mark) {
      if (!marks.add(mark, snapshot.state)) return false;
      announcer.mark(mark);
      swap(snapshot, [], [mark]);
      return true;
    },
    here(hosts) {
      if (!hereBook.merge(hosts)) return false;
      announcer.here();
      swap(snapshot, [], []);
      return true;
    },
    restore({ log, state, lines: packed, marks: its, here = [] }) {
      try {
        hereBook.merge(here);
        lines.unpack(packed);
        for (const mark of its) marks.add(mark, state);
        marks.settle(state);
        announcer.restart(log, state);
      } catch (cause) {
        lines.reset(emptyState, {});
        const message = "the position on disk does not have the shape of one; it will be fetched again";
        throw new SluiceError("CORRUPT", message, { cause });
      }
      swap({ log, state }, null, marks.marks());
    },
    advance(blob) {
      const changed = lines.advance(blob);
      announcer.advance();
      if (changed) {
        swap(snapshot, [], []);
        return;
      }
      announcer.flush();
      onStep(faults.splice(0));
    },
  };
}
