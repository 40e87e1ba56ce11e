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

/** What one broadcast gives. */
interface Frames {
  readonly events: readonly LoggedEvent[];
  readonly first: number;
  readonly last: number;
  /** All of the events, as they go to everybody who lacks none of those before them. */
  readonly whole: Uint8Array;
}

/**
 * Sends a patch at once after a pause, and gathers those that come within two broadcasts' time of the last one, so that a hundred
 * a second cost no more than the loop can give; sends control events at once, behind the patches that precede them; and
 * lets reverts run ahead of both as marks.
 */
export function createAnnouncer(dependencies: AnnouncerDependencies): Announcer {
  const { broadcast, payloads, clock, limits, giveHeartbeat, catchUp } = dependencies;
  /** Releases whose mark everybody has been given. */
  const announced = new Set<string>();
  let gathered: LoggedEvent[] = [];
  let gathering: Timer | undefined;
  /** Broadcasts of events that have not ended. */
  let unended = 0;
  /** Until then patches are gathered. */
  let gatherUntilMs = 0;
  /** Events of a job that has not begun, so that more can be added. */
  let unbegun: LoggedEvent[] | undefined;
  let heartbeatWaits = false;

  /** Sends what is gathered: at once where the last broadcast was long enough ago, else when it will have been. */
  function flushInTime(): void {
    if (gathering !== undefined || unended > 0) return;
    const waitMs = gatherUntilMs - clock.now();
    if (waitMs <= 0) flush();
    else gathering = clock.setTimer(waitMs, flush);
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
    unended += 1;
    let beganAtMs = 0;
    let frames: Frames;
    broadcast.ordered({
      begin() {
        unbegun = undefined;
        beganAtMs = clock.now();
        frames = framesOf(events);
      },
      deliver: (connection) => give(connection, frames),
      end() {
        unended -= 1;
        const nowMs = clock.now();
        gatherUntilMs = nowMs + Math.min(limits.gatherMsMax, 2 * (nowMs - beganAtMs));
        if (gathered.length > 0) flushInTime();
      },
    });
  }

  /** Exactly what the follower lacks: one that came meanwhile has some of it already. */
  function give(connection: Connection, { events, first, last, whole }: Frames): void {
    const { sent } = connection;
    if (connection.phase !== "live" || sent >= last) return;
    if (sent + 1 < first) {
      catchUp(connection);
      return;
    }
    connection.send(sent + 1 === first ? whole : payloads.of(events.slice(sent + 1 - first)));
    connection.sent = last;
  }

  function framesOf(events: readonly LoggedEvent[]): Frames {
    const first = events[0]?.sequence ?? 0;
    return { events, first, last: events.at(-1)?.sequence ?? 0, whole: payloads.of(events) };
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
      else flushInTime();
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
      unended = 0;
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
