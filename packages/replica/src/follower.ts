import { join } from "node:path";
import {
  emptyState,
  evolve,
  isSluiceError,
  leaseMs,
  type LoggedEvent,
  type NamespaceState,
  own,
  SluiceError,
  sleep,
} from "@sluice/core";
import type { Frame, Mark } from "@sluice/core/api";
import { createAnnouncer } from "./announcer.ts";
import { createBlobFetcher } from "./blob-fetcher.ts";
import { type Checkpoint, createCheckpoints, validateCheckpoint } from "./checkpoint.ts";
import { createConfirmer, newlyReverted } from "./confirmer.ts";
import { createFollowing, type Peer } from "./connection.ts";
import { createDirectoryBlobs } from "./directory-blobs.ts";
import { createHealing } from "./healing.ts";
import { createLines, type LineFault } from "./lines.ts";
import { createMarkBook } from "./mark-book.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";
import { createReadiness } from "./readiness.ts";
import { createRecordFile } from "./record-file.ts";
import { createRepairs } from "./repairs.ts";
import type { Replica, ReplicaFeed, ReplicaOptions, Snapshot, SnapshotChange } from "./replica.ts";
import { createReporter } from "./reporter.ts";
import { createShelf } from "./shelf.ts";
import { createSweeper } from "./sweeper.ts";

/** What is on its way up at the end is waited for so long, in milliseconds. */
const lastFlushMs = 2_000;

/** Events that a sidecar keeps for followers that come back. */
const eventsKept = 10_000;

/**
 * Makes a replica that holds nothing and does nothing before `start`.
 * Throws VALIDATION for urls that are none, STORE_UNAVAILABLE or DISK_FULL where the directory cannot be used.
 */
export function createReplica(options: ReplicaOptions): Replica {
  const { id, name, kind, datasets, directory, fetch, clock, random } = options;
  const urls = validUrls(options.urls);
  const blobs = directory === null ? createMemoryBlobs() : createDirectoryBlobs(join(directory, "blobs"));
  const listeners = new Set<(change: SnapshotChange) => void>();
  const counts = { gaps: 0, mismatches: 0, positionErrors: 0 };
  const countPositionError = (): void => void counts.positionErrors++;
  let snapshot: Snapshot = { log: null, state: emptyState, datasets: new Map(), marks: new Set() };
  let closed = false;
  /** Whether the next state has to come whole, because what is held cannot be folded on. */
  let wantsWhole = false;
  /** Whether the stream has still to bring the whole state. */
  let awaitsState = true;
  let log: string | null = null;

  const shelf = createShelf({ blobs, clock, onDamage: (blob) => repairs.mend(blob) });
  const lines = createLines({ shelf, datasets, onFault: (fault) => void faults.push(fault) });
  const faults: LineFault[] = [];
  const announcer = createAnnouncer({ lines, shelf, eventsMax: kind === "sidecar" ? eventsKept : 0 });
  const marks = createMarkBook(directory === null ? null : createRecordFile(join(directory, "marks")));
  const post = async (url: string, path: string, body: string, signal: AbortSignal): Promise<number> => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, { method: "POST", headers, body, signal });
    await response.body?.cancel();
    return response.status;
  };
  const reporter = createReporter({ id, post, clock, random });
  const confirmer = createConfirmer({ id, marks, reporter, clock, onError: countPositionError });
  const readiness = createReadiness({ clock, datasets, snapshot: () => snapshot });
  const fetcher = createBlobFetcher({ blobs, fetch, clock, random, onStored: (blob) => contentArrived(blob) });
  const repairs = createRepairs({ shelf, onChange: () => contentArrived() });
  const healing = createHealing(clock, (error) => {
    wantsWhole = true;
    following.reconnect(error);
  });

  const capture = (): Checkpoint | null => {
    const packed = snapshot.log === null ? null : lines.pack();
    if (snapshot.log === null || packed === null) return null;
    return { log: snapshot.log, state: snapshot.state, datasets, lines: packed, marks: marks.marks() };
  };
  /** Blobs that the position on disk needs. */
  let written: readonly string[] = [];
  const checkpoints =
    directory === null
      ? null
      : createCheckpoints({
          file: createRecordFile(join(directory, "position")),
          clock,
          capture,
          onWritten(checkpoint) {
            marks.written(checkpoint.state.sequence);
            written = namesIn(checkpoint);
          },
          onError: countPositionError,
        });
  const sweeper = createSweeper({
    blobs,
    clock,
    needed: () =>
      new Set([
        ...[...lines.versions(), ...announcer.versions()].flatMap((version) => shelf.blobsOf(version)),
        ...lines.waitingBlobs(),
        ...written,
      ]),
    onError: countPositionError,
  });

  /** Puts a new snapshot in place of the one before. New views see it from here on; everything else comes after. */
  const swap = (state: NamespaceState, events: SnapshotChange["events"], newMarks: readonly Mark[]): void => {
    const previous = snapshot;
    snapshot = { log, state, datasets: lines.current(), marks: marks.inForce(state) };
    for (const listener of listeners) listener({ snapshot, previous, events, marks: newMarks });
    const reverted = newlyReverted(previous.state, state);
    for (const release of reverted) {
      marks.reverted({ release, at: own(state.releases, release)?.ended?.at ?? clock.wall() }, state.sequence);
    }
    confirmer.applied(snapshot, [...reverted, ...newMarks.map(({ release }) => release)]);
    announcer.flush();
    shelf.retain([...lines.versions(), ...announcer.versions()]);
    refreshWants();
    readiness.look();
    checkpoints?.touch();
    tellFaults();
  };

  let wants: unknown;
  const refreshWants = (): void => {
    const missing = lines.missing();
    const lost = repairs.needed();
    if (wants === missing && lost.length === 0) return;
    wants = missing;
    fetcher.want([...lost, ...missing]);
  };

  const tellFaults = (): void => {
    for (const { blob, dataset, error } of faults.splice(0)) {
      if (blob !== null) repairs.mend(blob);
      else {
        counts.mismatches++;
        healing.needed(dataset, error);
      }
    }
  };

  const contentArrived = (blob?: string): void => {
    if (closed) return;
    const mended = blob !== undefined && repairs.arrived(blob);
    const changed = lines.advance(mended ? undefined : blob);
    announcer.advance();
    if (changed) swap(snapshot.state, [], []);
    else {
      announcer.flush();
      refreshWants();
      tellFaults();
    }
  };

  const foldEvents = (events: readonly LoggedEvent[], bytes: number): void => {
    if (awaitsState) throw new SluiceError("PROTOCOL", "events came where the whole state was asked for");
    let { state } = snapshot;
    const gap = events.findIndex(({ sequence }, index) => sequence !== state.sequence + 1 + index);
    if (gap !== -1) {
      counts.gaps++;
      const expected = state.sequence + 1 + gap;
      throw new SluiceError("PROTOCOL", `expected event ${expected}, came ${events[gap]?.sequence}`);
    }
    try {
      for (const logged of events) {
        const before = state;
        const after = evolve(before, logged);
        announcer.fold({ before, logged, after, bytes: bytes / events.length });
        state = after;
      }
    } catch (error) {
      wantsWhole = true;
      throw new SluiceError("PROTOCOL", "an event cannot follow the state that is held", { cause: error });
    } finally {
      marks.settle(state);
      swap(state, events.slice(0, state.sequence - snapshot.state.sequence), []);
    }
  };

  const takeState = (frame: Extract<Frame, { type: "state" }>, from: Peer): void => {
    const { state } = frame;
    if (from.log === snapshot.log && state.sequence < snapshot.state.sequence) {
      // To go back could show what was reverted.
      const message = `${from.url} is at event ${state.sequence}, behind event ${snapshot.state.sequence} that is held`;
      throw new SluiceError("PROTOCOL", message);
    }
    if (snapshot.log !== null && snapshot.log !== from.log) marks.clear();
    log = from.log;
    wantsWhole = false;
    awaitsState = false;
    lines.reset(state, frame.lines);
    announcer.restart(from.log, state);
    marks.settle(state);
    const newMarks = frame.marks.filter((mark) => marks.add(mark, state));
    for (const mark of newMarks) announcer.mark(mark);
    swap(state, null, newMarks);
    confirmer.repeat(snapshot);
  };

  const takeMark = (mark: Mark): boolean => {
    const isNew = marks.add(mark, snapshot.state);
    if (isNew) {
      announcer.mark(mark);
      swap(snapshot.state, [], [mark]);
    }
    return isNew;
  };

  let peer: Peer | null = null;
  const following = createFollowing({
    urls,
    fetch,
    clock,
    random,
    handler: {
      query: () => ({
        id,
        name,
        kind,
        log: wantsWhole ? null : snapshot.log,
        from: wantsWhole ? 0 : snapshot.state.sequence,
        marks: marks.marks().map(({ release }) => release),
      }),
      connected(next) {
        peer = next;
        awaitsState = wantsWhole || next.log !== snapshot.log;
        reporter.connected(next.url, next.instance);
        fetcher.from(next.url);
        if (!awaitsState) confirmer.repeat(snapshot);
      },
      frame(frame, bytes) {
        if (closed || peer === null) return;
        if (frame.type === "mark") takeMark(frame.mark);
        else if (frame.type === "events") foldEvents(frame.events, bytes);
        else takeState(frame, peer);
      },
      heartbeat() {
        // A disk that did not answer may do so now.
        if (!lines.prepared()) contentArrived();
      },
    },
  });

  const present = (mark: Mark): void => {
    // The marks that a follower holds go up with its next question.
    if (takeMark(mark)) following.reconnect(null);
  };

  /** Takes what is on disk. What is damaged was never there. */
  const load = async (): Promise<Checkpoint | null> => {
    try {
      // Without the marks, the position could show what was reverted after it.
      await marks.load();
      const checkpoint = (await checkpoints?.load()) ?? null;
      if (checkpoint === null) return null;
      log = checkpoint.log;
      lines.unpack(checkpoint.lines);
      written = namesIn(checkpoint);
      for (const mark of checkpoint.marks) marks.add(mark, checkpoint.state);
      marks.settle(checkpoint.state);
      announcer.restart(checkpoint.log, checkpoint.state);
      wantsWhole = !covers(checkpoint, datasets);
      swap(checkpoint.state, null, marks.marks());
      return checkpoint;
    } catch (error) {
      if (!isSluiceError(error, "CORRUPT")) throw error;
      countPositionError();
      return null;
    }
  };

  const feed: ReplicaFeed = {
    log: () => announcer.position().log,
    state: () => announcer.position().state,
    async snapshot() {
      const its = feed.marks();
      return { ...(await announcer.contents()), marks: its };
    },
    since: (sequence) => announcer.since(sequence),
    marks: () => [...marks.marks(), ...announcer.ahead()],
    contactAgeMs: () => following.contactAgeMs(),
    present,
    blobs,
    subscribe: (listener) => announcer.subscribe(listener),
  };

  return {
    async start() {
      const checkpoint = await load();
      sweeper.start();
      void (async () => {
        if (checkpoint !== null) {
          await validateCheckpoint(checkpoint).catch(() => {
            countPositionError();
            wantsWhole = true;
          });
        }
        if (!closed) following.start();
      })();
    },
    snapshot: () => snapshot,
    ready: (deadlineMs) => readiness.wait(deadlineMs),
    connection: () => following.state(),
    contactAgeMs: () => following.contactAgeMs(),
    leaseHeld: () => (following.contactAgeMs() ?? Number.POSITIVE_INFINITY) < leaseMs,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    present,
    since: (sequence) => (kind === "sidecar" ? announcer.since(sequence) : null),
    feed,
    blobs,
    reporter,
    counts: () => ({
      ...counts,
      wrongBlobs: fetcher.counts().wrong,
      failedFetches: fetcher.counts().failed,
      corruptBlobs: repairs.corrupt(),
      lostBatches: reporter.counts().lostBatches,
    }),
    async close() {
      closed = true;
      readiness.close();
      healing.close();
      sweeper.close();
      fetcher.close();
      await following.close();
      const flushed = new AbortController();
      const late = sleep(clock, lastFlushMs, { signal: flushed.signal, keepAlive: true });
      await Promise.race([reporter.flush(), late]);
      flushed.abort();
      reporter.close();
      await confirmer.close();
      await checkpoints?.close();
      shelf.close();
    },
  };
}

function validUrls(urls: readonly string[]): readonly string[] {
  if (urls.length === 0) throw new SluiceError("VALIDATION", "a replica needs the URL of an instance to follow");
  return urls.map((url) => {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new SluiceError("VALIDATION", `expected an http: or https: URL of an instance, came ${url}`, {
        details: { url },
      });
    }
    return url.replace(/\/+$/, "");
  });
}

/** Whether a position holds every dataset that is asked for now. */
function covers(checkpoint: Checkpoint, datasets: readonly string[] | null): boolean {
  const held = checkpoint.datasets;
  return held === null || (datasets !== null && datasets.every((dataset) => held.includes(dataset)));
}

/** The blobs that a position on disk needs. */
function namesIn({ lines }: Checkpoint): readonly string[] {
  return Object.values(lines).flatMap(({ stable, candidate, shown }) => {
    const grounds = [stable?.ground, candidate?.ground].filter((ground) => ground !== undefined);
    const contents = grounds.map((ground) => ("content" in ground ? ground.content : ground.version));
    const overlays = grounds.flatMap((ground) =>
      "content" in ground && ground.content.overlay !== null && "blob" in ground.content.overlay
        ? [ground.content.overlay.blob]
        : [],
    );
    return [...contents, ...(shown === null ? [] : [shown])]
      .flatMap(({ base }) => base.parts.map((part) => part.name))
      .concat(overlays);
  });
}
