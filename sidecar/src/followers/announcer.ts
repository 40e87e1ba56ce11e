import type { Clock, Event, LoggedEvent, Timer } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import type { FeedListener } from "@sluice/replica";
import type { Broadcast } from "./broadcast.ts";
import type { Connection } from "./connection.ts";
import { encodeFrame, keepAlive } from "./encode.ts";
import type { FollowerLimits } from "./limits.ts";
import type { Payloads } from "./payloads.ts";

/** Turns what a feed tells into jobs for the broadcast. */
export interface Announcer extends Pick<FeedListener, "events" | "mark"> {
  /** Gives everybody a heartbeat; nothing where the last one is still on its way. */
  heartbeat(): void;
  /** Forgets what was gathered: it belongs to what the feed held before. */
  clear(): void;
  close(): void;
}

/** What an announcer needs. */
export interface AnnouncerDependencies {
  readonly broadcast: Broadcast<Connection>;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly limits: FollowerLimits;
  /** Gives one follower a heartbeat. */
  readonly giveHeartbeat: (connection: Connection) => void;
  /** Brings a live follower up to date that has missed something. */
  readonly catchUp: (connection: Connection) => void;
}

/**
 * Gathers patches for the time of two broadcasts, so that a hundred a second cost no more than the loop can give; sends
 * control events at once, behind the patches that precede them; and lets reverts run ahead of both as marks.
 */
export function createAnnouncer(dependencies: AnnouncerDependencies): Announcer {
  const { broadcast, payloads, clock, limits, giveHeartbeat, catchUp } = dependencies;
  /** Releases whose mark everybody has been given. */
  const announced = new Set<string>();
  let gathered: LoggedEvent[] = [];
  let gathering: Timer | undefined;
  let lastBroadcastMs = 0;
  /** Events of a job that has not begun, so that more can be added. */
  let unbegun: LoggedEvent[] | undefined;
  let heartbeatWaits = false;

  function gatherMs(): number {
    return Math.min(limits.gatherMsMax, Math.max(limits.gatherMsMin, 2 * lastBroadcastMs));
  }

  function announceMark(mark: Mark): void {
    if (announced.has(mark.release)) return;
    announced.add(mark.release);
    const payload = encodeFrame({ type: "mark", mark });
    broadcast.urgent({ deliver: (connection) => connection.send(payload) });
  }

  function flush(): void {
    gathering?.cancel();
    gathering = undefined;
    const events = gathered;
    gathered = [];
    if (events.length === 0) return;
    if (unbegun === undefined) announceEvents(events);
    else for (const event of events) unbegun.push(event);
  }

  function announceEvents(events: LoggedEvent[]): void {
    unbegun = events;
    let beganAtMs = 0;
    broadcast.ordered({
      begin() {
        unbegun = undefined;
        beganAtMs = clock.now();
      },
      deliver: (connection) => give(connection, events),
      end() {
        lastBroadcastMs = clock.now() - beganAtMs;
      },
    });
  }

  /** Exactly what the follower lacks: one that came meanwhile has some of it already. */
  function give(connection: Connection, events: readonly LoggedEvent[]): void {
    const first = events[0]?.sequence ?? 0;
    const last = events.at(-1)?.sequence ?? 0;
    if (connection.phase !== "live" || connection.sent >= last) return;
    if (connection.sent + 1 < first) {
      catchUp(connection);
      return;
    }
    const missing = connection.sent + 1 === first ? events : events.slice(connection.sent + 1 - first);
    connection.send(...payloads.of(missing));
    connection.sent = last;
  }

  return {
    mark: announceMark,
    events(events) {
      // An event that is sent at once with nothing before it is as fast as its mark.
      const overtakes = gathered.length > 0 || !broadcast.idle() || events[0]?.event.type === "patched";
      for (const logged of events) {
        const { event, at } = logged;
        if (event.type === "release-reverted" && overtakes) announceMark({ release: event.release, at });
        // The log says it from here on; the release's id never comes again.
        if (isEnd(event)) announced.delete(event.release);
        gathered.push(logged);
      }
      if (events.some(({ event }) => event.type !== "patched")) flush();
      else gathering ??= clock.setTimer(gatherMs(), flush);
    },
    heartbeat() {
      if (heartbeatWaits) return;
      heartbeatWaits = true;
      broadcast.ordered({
        begin() {
          heartbeatWaits = false;
        },
        deliver: giveHeartbeat,
      });
    },
    clear() {
      gathering?.cancel();
      gathering = undefined;
      gathered = [];
      unbegun = undefined;
      heartbeatWaits = false;
      announced.clear();
    },
    close() {
      gathering?.cancel();
    },
  };
}

function isEnd(event: Event): event is Extract<Event, { type: `release-${"completed" | "reverted" | "superseded"}` }> {
  return event.type === "release-completed" || event.type === "release-reverted" || event.type === "release-superseded";
}

/**
 * Gives one follower a heartbeat. The age is taken at each write, since a lease runs from it; one payload serves as long as
 * the age stays the same, which at the origin is always. A follower that waits for the state gets none: what it
 * holds may have been reverted.
 */
export function createHeartbeat(contactAgeMs: () => number | null): (connection: Connection) => void {
  let encoded = { sequence: -1, ageMs: -1, payload: keepAlive };
  return (connection) => {
    const contact = contactAgeMs();
    if (contact === null || connection.phase === "waiting") {
      connection.send(keepAlive);
      return;
    }
    const ageMs = Math.ceil(contact);
    const { sent: sequence } = connection;
    if (encoded.sequence !== sequence || encoded.ageMs !== ageMs) {
      encoded = { sequence, ageMs, payload: encodeFrame({ type: "heartbeat", sequence, ageMs }) };
    }
    connection.send(encoded.payload);
  };
}
