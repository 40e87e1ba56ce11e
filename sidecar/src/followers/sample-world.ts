import type { NamespaceState, VirtualClock } from "@sluice/core";
import { createVirtualClock, emptyState, evolve, leaseMs } from "@sluice/core";
import type { FollowQuery, Frame } from "@sluice/core/api";
import { settle } from "@sluice/replica/testing";
import { pino } from "pino";
import type { Followers } from "../followers.ts";
import { createFollowers } from "../followers.ts";
import type { FollowerLimits } from "./limits.ts";
import type { SampleFeed } from "./sample-feed.ts";
import { createSampleFeed } from "./sample-feed.ts";
import type { SampleSink } from "./sample-sink.ts";
import { createSampleSink } from "./sample-sink.ts";
import type { Registry } from "./registry.ts";
import { createRegistry } from "./registry.ts";

/** An instance for tests, on a virtual clock. */
export interface SampleWorld {
  readonly clock: VirtualClock;
  readonly feed: SampleFeed;
  readonly registry: Registry;
  readonly followers: Followers;
  /** Connects a follower, new where the query says nothing else. */
  join(query?: Partial<FollowQuery>): SampleSink;
  /** Connects a new follower and brings it up to date, with nothing more to read. */
  joined(): Promise<SampleSink>;
  /** Lets time pass, and everything that waits for it happen. */
  readonly pass: (durationMs: number) => Promise<void>;
}

/** Makes an instance with the dataset `prices` in its log. `turnMs` is how long a turn of the event loop takes, default 0. */
export function createSampleWorld(
  options: { limits?: Partial<FollowerLimits>; snapshotMs?: number; turnMs?: number } = {},
): SampleWorld {
  const { turnMs = 0 } = options;
  const clock = createVirtualClock();
  const feed = createSampleFeed(clock, options.snapshotMs);
  const logger = pino({ level: "silent" });
  const registry = createRegistry({ clock, logger, leaseMs });
  const followers = createFollowers({
    feed,
    registry,
    clock: { ...clock, setTimer: (delayMs, fire) => clock.setTimer(Math.max(delayMs, turnMs), fire) },
    random: () => 0.5,
    logger,
    instance: "test",
    limits: options.limits ?? {},
  });
  let joined = 0;
  feed.dataset("prices");
  const world: SampleWorld = {
    clock,
    feed,
    registry,
    followers,
    join(query) {
      joined += 1;
      const sink = createSampleSink();
      const id = `follower-${joined}`;
      followers.connect({ id, name: id, kind: "sdk", log: null, from: 0, marks: [], ...query }, sink);
      return sink;
    },
    async joined() {
      const sink = world.join();
      await world.pass(1);
      sink.take();
      return sink;
    },
    pass: (durationMs) => pass(clock, durationMs),
  };
  return world;
}

/** Moves a virtual clock on by `durationMs`; promises settle before each timer and at the end. */
async function pass(clock: VirtualClock, durationMs: number): Promise<void> {
  const endMs = clock.now() + durationMs;
  for (;;) {
    await settle();
    const nextMs = clock.nextInMs();
    if (nextMs === undefined || clock.now() + nextMs > endMs) break;
    clock.runNext();
  }
  clock.advance(endMs - clock.now());
}

/** What a follower holds: a fold of the frames that it was given. Throws at a gap. */
export interface SampleReplica {
  readonly log: string | null;
  readonly state: NamespaceState;
  /** Releases that a mark has taken back. */
  readonly marks: ReadonlySet<string>;
}

/** A follower that holds nothing. */
export const emptyReplica: SampleReplica = { log: null, state: emptyState, marks: new Set() };

/** What a follower holds after more frames. */
export function foldFrames(replica: SampleReplica, frames: readonly Frame[]): SampleReplica {
  let { log, state } = replica;
  const marks = new Set(replica.marks);
  for (const frame of frames) {
    if (frame.type === "hello" && frame.log !== log) {
      // What was held of another log is of no use, and neither is its position.
      log = frame.log;
      state = emptyState;
      marks.clear();
    }
    if (frame.type === "state") {
      if (frame.state.sequence < state.sequence) throw new Error("a state goes back behind what was told before");
      state = frame.state;
    }
    if (frame.type === "events") state = frame.events.reduce(evolve, state);
    if (frame.type === "mark") marks.add(frame.mark.release);
    if (frame.type === "state") for (const { release } of frame.marks) marks.add(release);
  }
  return { log, state, marks };
}

/** The types of frames, in order. */
export function typesOf(frames: readonly Frame[]): string[] {
  return frames.map(({ type }) => type);
}

/** The sequence numbers of each `events` frame. */
export function sequencesOf(frames: readonly Frame[]): number[][] {
  return frames.flatMap((frame) => (frame.type === "events" ? [frame.events.map(({ sequence }) => sequence)] : []));
}
