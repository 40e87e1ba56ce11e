import { filesOfBase, isSluiceError, leaseMs, SluiceError, sleep } from "@sluice/core";
import type { HereReverts, Mark } from "@sluice/core/api";
import { createBlobFetcher } from "./blob-fetcher.ts";
import type { Blobs } from "./blobs.ts";
import { type Checkpoint, covers, validateCheckpoint } from "./checkpoint.ts";
import { createConfirmer, isTold } from "./confirmer.ts";
import { type ConnectionHandler, createFollowing, type Peer } from "./connection.ts";
import type { Feed } from "./feed.ts";
import { createHealing } from "./healing.ts";
import { createHereBook } from "./here-book.ts";
import { createHolding } from "./holding.ts";
import type { LineFault } from "./lines.ts";
import { createMarkBook } from "./mark-book.ts";
import { createPosition } from "./position.ts";
import { createPost } from "./post.ts";
import { createReadiness } from "./readiness.ts";
import { createRepairs } from "./repairs.ts";
import type { Replica, ReplicaOptions, SnapshotChange } from "./replica.ts";
import { createReporter } from "./reporter.ts";
import { createShelf } from "./shelf.ts";
import { openStorage } from "./storage.ts";
import { nextTurn } from "./system-clock.ts";
import { createUnprepared } from "./unprepared.ts";
import { createUpkeep } from "./upkeep.ts";

/** What is on its way up at the end is waited for so long, in milliseconds. */
const lastFlushMs = 2_000;

/** A goodbye takes so much longer at most, in milliseconds: without it this process is taken for lost, and nothing worse. */
const goodbyeMs = 250;

/** A reason that a candidate is refused for is cut to so many characters. */
const refusalCharactersMax = 1_000;

/** Events that a sidecar keeps for followers that come back. */
const eventsKept = 10_000;

/**
 * Makes a replica that holds nothing and does nothing before `start`.
 * Throws VALIDATION for urls that are none, STORE_UNAVAILABLE or DISK_FULL where the directory cannot be used.
 */
export function createReplica(options: ReplicaOptions): Replica {
  const { id, name, kind, datasets, directory, fetch, clock, random, stratum, app } = options;
  const urls = validUrls(options.urls);
  const storage = openStorage({
    directory,
    id,
    datasets,
    clock,
    random,
    onElected: () => fetcher.hurry(),
    onPositionElected: () => void position?.takeOver(),
    onError: () => countPositionError(),
  });
  const { blobs, shared } = storage;
  const startFiles = shared?.start ?? null;
  const listeners = new Set<(change: SnapshotChange) => void>();
  const counts = { gaps: 0, mismatches: 0, positionErrors: 0 };
  const countPositionError = (): void => void counts.positionErrors++;
  let closed = false;
  /** Whether the next state has to come whole, because what is held cannot be folded on. */
  let wantsWhole = false;
  /** Whether the stream has still to bring the whole state. */
  let awaitsState = true;
  /** Whole states that have come. */
  let states = 0;
  let peer: Peer | null = null;
  /** Marks of a log whose state has still to come: to what is held until then they mean nothing. */
  let early: Mark[] = [];
  let earlyHere: HereReverts[] = [];

  const shelf = createShelf({ blobs, clock, onDamage: (blob) => repairs.mend(blob) });
  const marks = createMarkBook(startFiles?.marks ?? null);
  const hereBook = createHereBook(startFiles?.here ?? null);
  const reporter = createReporter({
    id,
    ...(stratum === undefined ? {} : { stratum }),
    post: createPost(fetch),
    clock,
    random,
  });
  const confirmer = createConfirmer({ id, datasets, marks, hereBook, reporter, clock, onError: countPositionError });
  const readiness = createReadiness({
    clock,
    datasets,
    snapshot: () => holding.snapshot(),
    why: () => {
      const { error } = following.state();
      return error === null ? urls.join(", ") : `${urls.join(", ")} (${error.message})`;
    },
  });
  const sharing = shared === null ? null : { claims: shared.claims, isFirst: () => shared.election.isWriter() };
  const onStored = (blob: string): void => contentArrived(blob);
  const onUnknown = (blob: string, error: SluiceError): void => {
    // The line stands on another base by now, and the event that said so was before this follower's time; else the blob is lost.
    healing.needed("every dataset", error);
    for (const line of holding.lines.candidatesWaitingFor(blob)) unprepared({ ...line, blob, error, state: states });
  };
  const onWrong = (blob: string, error: SluiceError): void => {
    for (const line of holding.lines.candidatesWaitingFor(blob)) unprepared({ ...line, blob, error });
  };
  const fetcher = createBlobFetcher({ blobs, fetch, clock, random, sharing, onStored, onUnknown, onWrong });
  const repairs = createRepairs({ shelf, onSound: (blob) => contentArrived(blob), onGone: () => contentArrived() });
  const healing = createHealing(clock, (error) => {
    wantsWhole = true;
    following.reconnect(error);
  });

  const held = (): ReturnType<typeof holding.lines.versions> =>
    holding.lines.versions().union(new Set(holding.announcer.versions()));

  const onSwap = (change: SnapshotChange, reverted: readonly string[]): void => {
    for (const listener of listeners) listener(change);
    confirmer.applied(change.snapshot, reverted);
    shelf.retain(held());
    readiness.look();
    position?.touch();
  };
  const refuse = (release: string, reason: string): void =>
    confirmer.refused({
      release,
      reason: `${name} ${reason}`.slice(0, refusalCharactersMax),
      ...(app === undefined ? {} : { app }),
    });
  const unprepared = createUnprepared({
    snapshot: () => holding.snapshot(),
    refuse: (release, reason) => refuse(release, `cannot prepare it: ${reason}`),
  });
  let wanted: unknown;
  let wantedLost = 0;
  const onStep = (faults: readonly LineFault[]): void => {
    for (const { blob, dataset, error } of faults) {
      if (blob !== null) repairs.mend(blob);
      else {
        counts.mismatches++;
        healing.needed(dataset, error);
      }
    }
    // A blob that is named is fetched again first; what is wrong then is no copy any more.
    for (const fault of faults) if (fault.blob === null) unprepared(fault);
    const missing = holding.lines.missing();
    const lost = repairs.needed();
    if (wanted !== missing || lost.length > 0 || wantedLost > 0) fetcher.want([...lost, ...missing]);
    wanted = missing;
    wantedLost = lost.length;
  };
  const eventsMax = kind === "sidecar" ? eventsKept : 0;
  const holding = createHolding({ shelf, marks, hereBook, datasets, eventsMax, onSwap, onStep });

  const contentArrived = (blob?: string): void => {
    if (closed) return;
    if (blob !== undefined) repairs.arrived(blob);
    holding.advance(blob);
  };

  const capture = (): Checkpoint | null => {
    const { log, state } = holding.snapshot();
    // What was taken from the disk lacks a dataset or cannot be folded on: a position with this replica's name would hide that.
    if (wantsWhole) return null;
    const lines = log === null ? null : holding.lines.pack();
    return log === null || lines === null
      ? null
      : { log, state, datasets, lines, marks: marks.marks(), here: hereBook.hosts() };
  };
  const onWritten = ({ state }: Checkpoint): void => marks.written(state.sequence);
  const position =
    startFiles === null
      ? null
      : createPosition({
          files: startFiles.positions,
          datasets,
          clock,
          capture,
          isWriter: () => startFiles.election.isWriter(),
          onWritten,
          onError: countPositionError,
        });

  const upkeep = createUpkeep({
    storage,
    position,
    clock,
    random,
    held: () => [...held()].flatMap(({ base }) => filesOfBase(base)),
    waiting: () => holding.lines.waitingBlobs(),
    onGone(gone) {
      for (const blob of gone) repairs.lose(blob);
      contentArrived();
    },
    onSettled: (names) => names.forEach((each) => repairs.reopen(each)),
    onError: countPositionError,
  });

  const presentable = (): readonly Mark[] => marks.marks().filter((mark) => !isTold(mark));

  const handler: ConnectionHandler = {
    query() {
      const { log, state } = holding.snapshot();
      const from = wantsWhole ? { log: null, from: 0 } : { log, from: state.sequence };
      return { id, name, kind, ...from, marks: presentable().map(({ release }) => release) };
    },
    connected(next) {
      peer = next;
      early = [];
      earlyHere = [];
      const { log } = holding.snapshot();
      awaitsState = wantsWhole || next.log !== log;
      reporter.connected(next.url, next.instance, log !== null && log !== next.log);
      fetcher.from(next.url);
      if (!awaitsState) confirmer.repeat(holding.snapshot());
    },
    frame(frame, bytes) {
      if (closed || peer === null) return;
      const { log } = holding.snapshot();
      const isEarly = log !== null && log !== peer.log;
      if (frame.type === "mark" && isEarly) early.push(frame.mark);
      else if (frame.type === "mark") holding.mark(frame.mark);
      else if (frame.type === "here" && isEarly) earlyHere.push(...frame.hosts);
      else if (frame.type === "here") takeHere(frame.hosts);
      else if (frame.type === "state") {
        holding.reset(peer.log, { ...frame, marks: [...frame.marks, ...early] });
        takeHere(earlyHere);
        wantsWhole = false;
        awaitsState = false;
        states++;
        reporter.caughtUp();
        confirmer.repeat(holding.snapshot());
      } else if (awaitsState) throw new SluiceError("PROTOCOL", "events came where the whole state was asked for");
      else {
        try {
          holding.fold(frame.events, bytes);
        } catch (error) {
          if (isSluiceError(error) && error.details["gap"] === true) counts.gaps++;
          else wantsWhole = true;
          throw error;
        }
      }
    },
    heartbeat() {
      // A disk that did not answer may do so now.
      repairs.retry();
      if (!holding.lines.prepared()) contentArrived();
    },
  };
  const following = createFollowing({ urls, fetch, clock, random, handler });

  function takeHere(hosts: readonly HereReverts[]): void {
    if (holding.here(hosts)) confirmer.here();
  }

  const present = (mark: Mark): void => {
    if (!holding.mark(mark)) return;
    if (isTold(mark)) reporter.marks([mark]);
    // The marks that a follower holds go up with its next question; one that is cut off asks at once whether it still is.
    following.reconnect(null);
  };

  /** Takes what is on disk. What is damaged was never there. */
  const load = async (): Promise<Checkpoint | null> => {
    try {
      // Without the marks, the position could show what was reverted after it.
      await marks.load();
      await hereBook.load();
      const checkpoint = (await position?.load()) ?? null;
      if (checkpoint === null) return null;
      wantsWhole = !covers(checkpoint, datasets);
      holding.restore(checkpoint);
      return checkpoint;
    } catch (error) {
      if (!isSluiceError(error, "CORRUPT")) throw error;
      countPositionError();
      return null;
    }
  };

  const followFrom = async (checkpoint: Checkpoint | null): Promise<void> => {
    if (checkpoint !== null) {
      // What follows loads modules in one go, a hundred milliseconds of them: whoever waits for the start reads first.
      await nextTurn();
      await validateCheckpoint(checkpoint).catch(() => {
        countPositionError();
        wantsWhole = true;
      });
    }
    if (closed) return;
    // What this loads would keep the first reads waiting.
    shared?.election.start();
    startFiles?.election.start();
    following.start();
  };

  const served: Blobs = {
    ...blobs,
    open(its) {
      try {
        return blobs.open(its);
      } catch (error) {
        // Somebody below asks for what should be here: it is fetched again now, and not when it is missed some day.
        if (isSluiceError(error, "BLOB_UNKNOWN")) upkeep.missed(its);
        throw error;
      }
    },
  };

  const flushWithin = async (budgetMs: number): Promise<void> => {
    const flushed = new AbortController();
    const late = sleep(clock, budgetMs, { signal: flushed.signal, keepAlive: true });
    await Promise.race([reporter.flush(), late]);
    flushed.abort();
  };

  const { announcer } = holding;
  const feed: Feed = {
    log: () => announcer.position().log,
    state: () => announcer.position().state,
    snapshotSequence: () => announcer.contentsSequence(),
    async snapshot() {
      return { ...announcer.contents(), marks: marks.marks() };
    },
    since: (sequence) => announcer.since(sequence),
    marks: () => marks.marks(),
    here: () => hereBook.hosts(),
    contactAgeMs: () => following.contactAgeMs(),
    present,
    blobs: served,
    subscribe: (listener) => announcer.subscribe(listener),
  };

  return {
    async start() {
      const checkpoint = await load();
      upkeep.start();
      void followFrom(checkpoint);
    },
    snapshot: () => holding.snapshot(),
    ready: (deadlineMs) => readiness.wait(deadlineMs),
    connection: () => following.state(),
    contactAgeMs: () => following.contactAgeMs(),
    leaseHeld: () => (following.contactAgeMs() ?? Number.POSITIVE_INFINITY) < leaseMs,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refuse: ({ release, reason }) => refuse(release, `does not take it: ${reason}`),
    async takeBackHere(hosts) {
      takeHere(hosts);
      await hereBook.sync();
    },
    present,
    since: (sequence) => (kind === "sidecar" ? announcer.since(sequence) : null),
    feed,
    blobs: served,
    arrival: (blob) => fetcher.arrival(blob),
    reporter,
    diskFault: () => shared?.disk.fault() ?? null,
    counts: () => ({
      ...counts,
      wrongBlobs: fetcher.counts().wrong,
      failedFetches: fetcher.counts().failed,
      corruptBlobs: repairs.corrupt(),
      lostBatches: reporter.counts().lostBatches,
      blobsInMemory: shared?.blobs.inMemory() ?? 0,
    }),
    async close() {
      closed = true;
      readiness.close();
      healing.close();
      upkeep.close();
      fetcher.close();
      shared?.claims.close();
      await following.close();
      await flushWithin(lastFlushMs);
      reporter.left([id]);
      await flushWithin(goodbyeMs);
      reporter.close();
      await confirmer.close();
      await position?.close();
      startFiles?.election.close();
      shared?.election.close();
      shelf.close();
    },
  };
}

function validUrls(urls: readonly string[]): readonly string[] {
  if (urls.length === 0) throw new SluiceError("VALIDATION", "a replica needs the URL of an instance to follow");
  return urls.map((url) => {
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, "");
    const message = `expected an http: or https: URL of an instance, came ${url}`;
    throw new SluiceError("VALIDATION", message, { details: { url } });
  });
}
