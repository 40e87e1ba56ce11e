import type { Clock, LoggedEvent, Timer } from "@sluice/core";
import { emptyState, isActive, own, protocolVersion, sleep, SluiceError } from "@sluice/core";
import type { FollowQuery, Frame, Mark } from "@sluice/core/api";
import { type Feed, newlyReverted } from "@sluice/replica";
import type { Logger } from "pino";
import { createAdmission } from "./followers/admission.ts";
import { createAnnouncer, createHeartbeat } from "./followers/announcer.ts";
import { createBroadcast } from "./followers/broadcast.ts";
import type { Connection } from "./followers/connection.ts";
import { createConnection } from "./followers/connection.ts";
import { encodeFrame } from "./followers/encode.ts";
import { createFullStates, logOf } from "./followers/full-state.ts";
import type { FollowerLimits } from "./followers/limits.ts";
import { defaultFollowerLimits } from "./followers/limits.ts";
import { createPayloads } from "./followers/payloads.ts";
import type { Registry } from "./followers/registry.ts";
import type { Sink } from "./sink.ts";

/** Pause between two looks at whether a full state has left this process, in milliseconds. */
const deliveryLookMs = 20;

/** Pause between two streams that are ended on the way out, in milliseconds. */
const drainStepMs = 5;

/** Longest time after which followers are asked to come back, in milliseconds. */
const retryMsMax = 2_000;

/** A full state as JSON, for places where a stream does not pass. */
export interface StateAnswer {
  readonly etag: string;
  /** Null where the caller has it already. */
  readonly frame: Extract<Frame, { type: "state" }> | null;
}

/** The streams of everybody who follows this instance. */
export interface Followers {
  /**
   * Begins a stream: `hello`, the marks in force and those of the reverts since `query.from`, what hosts have taken back for themselves, then the events since or, where the follower holds another log, is new
   * or too far behind, the full state as soon as there is room; then what happens. A second stream of the same id ends the first.
   * Throws NOT_READY, with nothing written, where there is no log yet, `connectionsMax` streams are open, or the instance goes.
   */
  connect(query: FollowQuery, sink: Sink): void;
  /** The full state, or only its tag where that is among `etags`. Throws NOT_READY. */
  state(etags: readonly string[]): Promise<StateAnswer>;
  /** Open streams. */
  count(): number;
  /** Streams that were ended because their follower was too slow. */
  dropped(): number;
  /** Refuses new streams, says `bye` to all, and ends them spread over at most `drainMsMax`. Events and marks go on meanwhile. */
  drain(): Promise<void>;
  /** Ends every stream at once and takes back every timer. */
  close(): void;
}

/** What followers need. */
export interface FollowersDependencies {
  readonly feed: Feed;
  readonly registry: Registry;
  readonly clock: Clock;
  /** 0 to below 1, for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Name of this instance, for `hello`. */
  readonly instance: string;
  readonly limits?: Partial<FollowerLimits>;
}

/** Tells followers what a feed tells, each without a gap, each payload encoded once, and no slow one at the cost of the others. */
export function createFollowers(dependencies: FollowersDependencies): Followers {
  const { feed, registry, clock, random, logger, instance } = dependencies;
  const limits = { ...defaultFollowerLimits, ...dependencies.limits };
  const connections = new Map<string, Connection>();
  const payloads = createPayloads(limits.eventsPerFrameMax);
  const fullStates = createFullStates(feed, clock);
  const admission = createAdmission(limits.fullStatesMax);
  const broadcast = createBroadcast<Connection>({
    clock,
    targets: () => connections.values(),
    targetsPerTurn: limits.followersPerTurn,
    targetsPerUrgentTurn: limits.followersPerUrgentTurn,
  });
  const giveHeartbeat = createHeartbeat(() => feed.contactAgeMs());
  const announcer = createAnnouncer({ broadcast, payloads, clock, limits, giveHeartbeat, catchUp });
  let encodedHello: { readonly log: string; readonly payload: Uint8Array } | undefined;
  let beating: Timer | undefined;
  let going = false;
  let dropped = 0;

  function presentMarks({ log, marks }: FollowQuery): void {
    const current = feed.log();
    // Releases of another log mean nothing here. One that wants the whole state names no log, and its marks are as good.
    if (current !== null && log !== null && log !== current) return;
    for (const release of marks) {
      const known = own(feed.state().releases, release);
      if (known === undefined || isActive(known)) present({ release, at: clock.wall() });
    }
  }

  function present(mark: Mark): void {
    if (!feed.marks().some(({ release }) => release === mark.release)) feed.present(mark);
  }

  function refuseWhereFull(query: FollowQuery): void {
    if (going) throw new SluiceError("NOT_READY", "this instance is going; follow another one");
    if (connections.size < limits.connectionsMax || connections.has(query.id)) return;
    throw new SluiceError("NOT_READY", `${limits.connectionsMax} followers are connected already`, {
      details: { connectionsMax: limits.connectionsMax },
    });
  }

  function open(query: FollowQuery, sink: Sink, log: string): Connection {
    connections.get(query.id)?.abort();
    const connection = createConnection(query, sink, {
      clock,
      limits,
      log,
      dropped(unsentBytes) {
        dropped += 1;
        logger.warn({ follower: query.name, unsentBytes }, "a follower is too slow and is dropped; it resumes");
      },
    });
    connections.set(query.id, connection);
    const disconnected = registry.connected(query);
    sink.onClose(() => {
      disconnected();
      connection.leaveQueue();
      if (connections.get(query.id) === connection) connections.delete(query.id);
    });
    return connection;
  }

  function sendMarks(connection: Connection): void {
    for (const mark of feed.marks()) connection.send(encodeFrame({ type: "mark", mark }));
  }

  /**
   * Who comes back hears of every revert that it has missed before anything else: the events may be thousands of patches, and a full
   * state may have to wait for its turn.
   */
  function sendMissedReverts(connection: Connection): void {
    const { from } = connection.query;
    const state = feed.state();
    if (from >= state.sequence) return;
    const events = feed.since(from);
    if (events === null) {
      for (const mark of newlyReverted(emptyState, state)) connection.send(encodeFrame({ type: "mark", mark }));
      return;
    }
    for (const { event, at } of events) {
      if (event.type !== "release-reverted") continue;
      connection.send(encodeFrame({ type: "mark", mark: { release: event.release, at } }));
    }
  }

  /** What happened since a position; undefined where that is not kept or so much that the full state is less. */
  function since(sequence: number): readonly LoggedEvent[] | undefined {
    // A follower that was at a faster instance before is ahead of this one and lacks nothing.
    if (sequence >= feed.state().sequence) return [];
    const events = feed.since(sequence);
    return events === null || events.length > limits.resumeEventsMax ? undefined : events;
  }

  function catchUp(connection: Connection): void {
    const events = since(connection.sent);
    if (events === undefined) requestState(connection);
    else goLive(connection, events);
  }

  function goLive(connection: Connection, events: readonly LoggedEvent[]): void {
    connection.phase = "live";
    connection.send(payloads.of(events));
    connection.sent = events.at(-1)?.sequence ?? connection.sent;
    // A mark of a release that the events began has to come behind them too.
    sendMarks(connection);
    giveHeartbeat(connection);
  }

  function requestState(connection: Connection): void {
    connection.phase = "waiting";
    connection.leaveQueue();
    connection.requests += 1;
    const request = connection.requests;
    connection.leaveQueue = admission.request((finish) => {
      deliverState(connection, request)
        .catch((error: unknown) => {
          logger.error({ err: error, follower: connection.query.name }, "the full state could not be taken");
          connection.close();
        })
        .finally(finish);
    });
  }

  async function deliverState(connection: Connection, request: number): Promise<void> {
    // A state of a moment ago serves a crowd; whoever comes alone may hold a later one already and refuses to go back.
    const recent = await fullStates.get(admission.waiting() > 0 ? limits.fullStateReuseMs : 0);
    const full = feed.since(recent.frame.state.sequence) === null ? await fullStates.get(0) : recent;
    // A reset may have asked anew meanwhile; two states would take the follower back.
    if (!connection.open || request !== connection.requests) return;
    const { sequence } = full.frame.state;
    const events = feed.since(sequence);
    if (events === null) {
      // So much has happened while the state was taken, or it is of so long ago, that the next one is a newer one.
      requestState(connection);
      return;
    }
    connection.send(full.encoded());
    connection.sent = sequence;
    const endBytes = connection.writtenBytes();
    goLive(connection, events);
    await leaves(connection, endBytes);
  }

  /** Ends when what was written up to `endBytes` has left this process; a follower that does not take it is ended. */
  async function leaves(connection: Connection, endBytes: number): Promise<void> {
    const deadline = clock.now() + limits.deliveryMsMax;
    // The first look comes with the next turn, when the socket has had its chance.
    for (let pauseMs = 0; connection.open && clock.now() <= deadline; pauseMs = deliveryLookMs) {
      await sleep(clock, pauseMs);
      if (connection.writtenBytes() - connection.unsentBytes() >= endBytes) return;
    }
    connection.abort();
  }

  function reset(): void {
    broadcast.clear();
    announcer.clear();
    payloads.clear();
    fullStates.clear();
    const log = feed.log();
    for (const connection of connections.values()) {
      if (connection.log === log) requestState(connection);
      // A stream tells of one log; the follower comes back to hear of the other.
      else dismiss(connection);
    }
  }

  function hello(connection: Connection): void {
    const { log } = connection;
    if (encodedHello?.log !== log) {
      encodedHello = { log, payload: encodeFrame({ type: "hello", protocol: protocolVersion, log, instance }) };
    }
    connection.send(encodedHello.payload);
  }

  function sayBye(connection: Connection): void {
    connection.send(encodeFrame({ type: "bye", retryMs: Math.ceil(random() * retryMsMax) }));
  }

  function dismiss(connection: Connection): void {
    sayBye(connection);
    connection.close();
  }

  function beat(): void {
    if (beating !== undefined || connections.size === 0) return;
    beating = clock.setTimer(limits.heartbeatMs, () => {
      beating = undefined;
      announcer.heartbeat();
      beat();
    });
  }

  function sendHere(connection: Connection): void {
    const hosts = feed.here(connection.query.kind);
    if (hosts.length > 0) connection.send(encodeFrame({ type: "here", hosts }));
  }

  const unheed = registry.subscribe({ marked: present });
  const unsubscribe = feed.subscribe({
    events: announcer.events,
    mark: announcer.mark,
    // A host's own: those who follow it are few.
    here: () => broadcast.urgent({ deliver: sendHere }),
    reset,
  });

  return {
    connect(query, sink) {
      presentMarks(query);
      refuseWhereFull(query);
      const log = logOf(feed);
      const connection = open(query, sink, log);
      hello(connection);
      sendMarks(connection);
      connection.sent = query.from;
      if (query.log === log) {
        sendMissedReverts(connection);
        sendHere(connection);
        catchUp(connection);
      } else {
        sendHere(connection);
        requestState(connection);
      }
      beat();
    },
    async state(etags) {
      const etag = fullStates.etag();
      if (etags.includes(etag)) return { etag, frame: null };
      const full = await fullStates.get(0);
      return { etag: full.etag, frame: full.frame };
    },
    count: () => connections.size,
    dropped: () => dropped,
    async drain() {
      going = true;
      for (const connection of connections.values()) sayBye(connection);
      const perStep = Math.ceil((connections.size * drainStepMs) / limits.drainMsMax);
      while (connections.size > 0) {
        for (const connection of [...connections.values()].slice(0, perStep)) connection.close();
        if (connections.size > 0) await sleep(clock, drainStepMs, { keepAlive: true });
      }
    },
    close() {
      going = true;
      unsubscribe();
      unheed();
      beating?.cancel();
      announcer.close();
      broadcast.clear();
      for (const connection of connections.values()) connection.abort();
    },
  };
}
