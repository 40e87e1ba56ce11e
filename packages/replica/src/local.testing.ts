import {
  createVirtualClock,
  emptyState,
  evolve,
  type Event,
  type LoggedEvent,
  type NamespaceState,
} from "@sluice/core";
import { type Announcer, createAnnouncer } from "./announcer.ts";
import type { FeedListener } from "./feed.ts";
import type { Blobs } from "./blobs.ts";
import { createLines, type LineFault, type Lines } from "./lines.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { createShelf, type Shelf } from "./shelf.ts";

/** A follower without a network: events are folded and blobs delivered by hand. */
export interface Local {
  readonly blobs: Blobs;
  readonly shelf: Shelf;
  readonly lines: Lines;
  readonly announcer: Announcer;
  readonly faults: LineFault[];
  readonly state: () => NamespaceState;
  readonly fold: (...events: readonly LoggedEvent[]) => void;
  /** Brings the next `count` missing blobs. */
  readonly deliver: (from: Blobs, count?: number) => Promise<void>;
}

/** Starts at the empty state of the log `log-1`, and keeps `eventsMax` events for others. */
export function createLocal(datasets: readonly string[] | null = null, eventsMax = 10_000): Local {
  const blobs = createMemoryBlobs();
  const shelf = createShelf({ blobs, clock: createVirtualClock() });
  const faults: LineFault[] = [];
  const lines = createLines({ shelf, datasets, onFault: (fault) => void faults.push(fault) });
  const announcer = createAnnouncer({ lines, eventsMax });
  let state = emptyState;
  announcer.restart("log-1", state);
  announcer.flush();
  return {
    blobs,
    shelf,
    lines,
    announcer,
    faults,
    state: () => state,
    fold(...events) {
      for (const logged of events) {
        const before = state;
        state = evolve(before, logged);
        announcer.fold({ before, logged, after: state, bytes: 100 });
      }
      announcer.flush();
    },
    async deliver(from, count = Number.POSITIVE_INFINITY) {
      for (const { name } of lines.missing().slice(0, count)) {
        await blobs.put(name, await from.read(name));
        lines.advance(name);
        announcer.advance();
        announcer.flush();
      }
    },
  };
}

/** What a listener was told, in order: sequence numbers, marks by release, `whole` for a reset. */
export function recordAnnouncements(announcer: { subscribe(listener: FeedListener): unknown }): (number | string)[] {
  const told: (number | string)[] = [];
  announcer.subscribe({
    events: (events) => void told.push(...events.map(({ sequence }) => sequence)),
    mark: ({ release }) => void told.push(`mark ${release}`),
    reset: () => void told.push("whole"),
  });
  return told;
}

/** The event that ends a release. */
export function endOf(type: "release-reverted" | "release-completed" | "release-superseded", release: string): Event {
  if (type === "release-completed") return { type, release };
  if (type === "release-superseded") return { type, release, reason: "test" };
  return { type, release, cause: { reason: "test", evidence: null } };
}
