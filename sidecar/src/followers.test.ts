import { protocolVersion } from "@sluice/core";
import { describe, expect, test } from "vitest";
import type { SampleSink } from "./followers/sample-sink.ts";
import { createSampleSink } from "./followers/sample-sink.ts";
import type { SampleWorld } from "./followers/sample-world.ts";
import { createSampleWorld, emptyReplica, foldFrames, sequencesOf, typesOf } from "./followers/sample-world.ts";

/** A world at event 5 with a release, in which a broadcast has just ended, so that patches are gathered; and its first follower. */
async function gathering(): Promise<{ world: SampleWorld; sink: SampleSink; release: string }> {
  const world = createSampleWorld({ turnMs: 1, limits: { followersPerTurn: 1 } });
  const release = world.feed.start("prices");
  const sink = await world.joined();
  await world.joined();
  world.feed.patch("prices");
  await world.pass(1);
  sink.take();
  return { world, sink, release };
}

describe("at the start of a stream", () => {
  test("a new follower gets the whole state and then a heartbeat", async () => {
    const world = createSampleWorld();
    const sink = world.join();
    await world.pass(1);
    const frames = sink.take();
    expect(typesOf(frames)).toEqual(["hello", "state", "heartbeat"]);
    expect(frames[0]).toMatchObject({ protocol: protocolVersion, log: "log-1", instance: "test" });
    expect(foldFrames(emptyReplica, frames).state).toEqual(world.feed.state());
  });

  test("a follower that comes back gets exactly the events that it lacks", async () => {
    const world = createSampleWorld();
    for (let count = 0; count < 3; count += 1) world.feed.patch("prices");
    const sink = world.join({ log: "log-1", from: 3 });
    await world.pass(1);
    const frames = sink.take();
    expect(typesOf(frames)).toEqual(["hello", "events", "heartbeat"]);
    expect(sequencesOf(frames)).toEqual([[4, 5]]);
  });

  test("a follower that lacks nothing gets no events", () => {
    const world = createSampleWorld();
    expect(typesOf(world.join({ log: "log-1", from: 2 }).take())).toEqual(["hello", "heartbeat"]);
  });

  test("a follower that a faster instance brought further is given what is new to it", async () => {
    const world = createSampleWorld();
    const sink = world.join({ log: "log-1", from: 4 });
    for (let count = 0; count < 4; count += 1) world.feed.patch("prices");
    expect(sequencesOf(sink.take())).toEqual([[5], [6]]);
  });

  test("a follower of another log gets the state although its number is a known one", async () => {
    const world = createSampleWorld();
    const sink = world.join({ log: "log-0", from: 2 });
    await world.pass(1);
    expect(typesOf(sink.take())).toEqual(["hello", "state", "heartbeat"]);
  });

  test("a follower whose events are not kept any more gets the state", async () => {
    const world = createSampleWorld();
    world.feed.patch("prices");
    world.feed.trim(3);
    const sink = world.join({ log: "log-1", from: 1 });
    await world.pass(1);
    expect(typesOf(sink.take())).toEqual(["hello", "state", "heartbeat"]);
  });

  test("a follower that is further behind than the limit gets the state", async () => {
    const world = createSampleWorld({ limits: { resumeEventsMax: 3 } });
    for (let count = 0; count < 4; count += 1) world.feed.patch("prices");
    const near = world.join({ log: "log-1", from: 3 });
    const far = world.join({ log: "log-1", from: 2 });
    await world.pass(1);
    expect(typesOf(near.take())).toEqual(["hello", "events", "heartbeat"]);
    expect(typesOf(far.take())).toEqual(["hello", "state", "heartbeat"]);
  });

  test("the marks in force come before anything else and again behind it", async () => {
    const world = createSampleWorld();
    const release = world.feed.start("prices");
    world.feed.announce({ release, at: 1 });
    const resumed = world.join({ log: "log-1", from: 2 });
    const fresh = world.join();
    expect(typesOf(fresh.take())).toEqual(["hello", "mark"]);
    expect(typesOf(resumed.take())).toEqual(["hello", "mark", "events", "mark", "heartbeat"]);
  });

  test("who comes back hears of the reverts that it has missed before anything else", async () => {
    const world = createSampleWorld({ limits: { eventsPerFrameMax: 2, resumeEventsMax: 20 } });
    const release = world.feed.start("prices");
    for (let count = 0; count < 6; count += 1) world.feed.patch("prices");
    world.feed.give({ type: "revert", target: { release }, cause: { reason: "bad", evidence: null } });
    const resumed = world.join({ log: "log-1", from: 5 });
    const frames = resumed.take();
    expect(typesOf(frames).slice(0, 3)).toEqual(["hello", "mark", "events"]);
    expect(frames[1]).toMatchObject({ mark: { release } });
    expect(typesOf(world.join({ log: "log-1", from: 11 }).take())).toEqual(["hello", "heartbeat"]);
    // So far behind that it waits for a whole state, which others may be before it in the queue for.
    world.feed.trim(8);
    expect(typesOf(world.join({ log: "log-1", from: 5 }).take())).toEqual(["hello", "mark"]);
    // Who holds nothing has nothing to take back.
    expect(typesOf(world.join().take())).toEqual(["hello"]);
  });

  test("a mark that the instance lacks is presented to it", () => {
    const world = createSampleWorld();
    const held = world.feed.start("prices");
    world.feed.announce({ release: held, at: 1 });
    world.join({ log: "log-1", from: 2, marks: [held, "release-unheard"] });
    expect(world.feed.presented.map(({ release }) => release)).toEqual(["release-unheard"]);
  });

  test("a mark of a release that has ended, or of another log, is not presented", () => {
    const world = createSampleWorld();
    const release = world.feed.start("prices");
    world.feed.give({ type: "revert", target: { release }, cause: { reason: "bad", evidence: null } });
    world.join({ log: "log-1", from: 2, marks: [release] });
    world.join({ log: "log-0", from: 2, marks: ["release-of-another-log"] });
    expect(world.feed.presented).toEqual([]);
  });

  test("an instance that has never reached its origin refuses, but takes the marks", () => {
    const world = createSampleWorld();
    world.feed.setLog(null);
    expect(() => world.join({ log: "log-1", marks: ["release-1"] })).toThrow(
      expect.objectContaining({ code: "NOT_READY" }),
    );
    expect(world.feed.presented.map(({ release }) => release)).toEqual(["release-1"]);
    expect(world.followers.count()).toBe(0);
  });

  test("one follower more than the limit is refused with nothing written", () => {
    const world = createSampleWorld({ limits: { connectionsMax: 1 } });
    world.join({ id: "a" });
    const sink = createSampleSink();
    const query = { id: "b", name: "b", kind: "sdk", log: null, from: 0, marks: [] } as const;
    expect(() => world.followers.connect(query, sink)).toThrow(expect.objectContaining({ code: "NOT_READY" }));
    expect(sink.written).toEqual([]);
  });

  test("a second stream of the same follower takes the place of the first, also at the limit", () => {
    const world = createSampleWorld({ limits: { connectionsMax: 1 } });
    const first = world.join({ id: "a" });
    const second = world.join({ id: "a" });
    expect([first.end(), second.end()]).toEqual(["aborted", "open"]);
    expect(world.followers.count()).toBe(1);
  });
});

describe("what happens", () => {
  test("a patch after a pause goes at once", async () => {
    const world = createSampleWorld();
    const sink = await world.joined();
    world.feed.patch("prices");
    expect(sequencesOf(sink.take())).toEqual([[3]]);
  });

  test("patches are gathered for twice as long as the last broadcast took", async () => {
    const world = createSampleWorld({ turnMs: 1, limits: { followersPerTurn: 1 } });
    const sinks = Array.from({ length: 31 }, () => world.join({ log: "log-1", from: 2 }));
    const [sink] = sinks;
    world.feed.patch("prices");
    await world.pass(30);
    expect(sequencesOf(sink?.take() ?? [])).toEqual([[3]]);
    world.feed.patch("prices");
    await world.pass(30);
    world.feed.patch("prices");
    await world.pass(29);
    expect(sink?.take()).toEqual([]);
    await world.pass(1);
    expect(sequencesOf(sink?.take() ?? [])).toEqual([[4, 5]]);
  });

  test("patches that come during a broadcast are gathered for twice as long as it took", async () => {
    const world = createSampleWorld({ turnMs: 1, limits: { followersPerTurn: 1 } });
    const sinks = Array.from({ length: 31 }, () => world.join({ log: "log-1", from: 2 }));
    world.feed.patch("prices");
    await world.pass(10);
    for (const sink of sinks) sink.take();
    world.feed.patch("prices");
    await world.pass(79);
    expect(sequencesOf(sinks[0]?.take() ?? [])).toEqual([]);
    await world.pass(31);
    expect(sequencesOf(sinks[0]?.take() ?? [])).toEqual([[4]]);
    expect(sequencesOf(sinks[30]?.take() ?? [])).toEqual([[3], [4]]);
  });

  test("events that come while a broadcast is under way go together in the next", async () => {
    const world = createSampleWorld({ turnMs: 1, limits: { followersPerTurn: 1 } });
    const release = world.feed.start("prices");
    const sinks = Array.from({ length: 10 }, () => world.join({ log: "log-1", from: 4 }));
    for (const sink of sinks) sink.take();
    world.feed.give({ type: "hold", release, cause: { reason: "look", evidence: null } });
    for (let count = 0; count < 3; count += 1) {
      await world.pass(1);
      world.feed.patch("prices");
      world.feed.give({ type: "set-percentage", release, thousandths: 10_000 + count, epoch: null });
    }
    await world.pass(50);
    expect(sinks.map((sink) => sequencesOf(sink.take()))).toEqual(sinks.map(() => [[5], [6, 7, 8, 9, 10, 11]]));
  });

  test("a control event goes at once, behind the patches before it", async () => {
    const { world, sink, release } = await gathering();
    world.feed.patch("prices");
    world.feed.give({ type: "hold", release, cause: { reason: "look", evidence: null } });
    expect(sequencesOf(sink.take())).toEqual([[6, 7]]);
  });

  test("a revert overtakes the patches before it as a mark", async () => {
    const { world, sink, release } = await gathering();
    world.feed.patch("prices");
    world.feed.give({ type: "revert", target: { release }, cause: { reason: "bad", evidence: null } });
    const frames = sink.take();
    expect(typesOf(frames)).toEqual(["mark", "events"]);
    expect(frames[0]).toMatchObject({ mark: { release } });
    expect(sequencesOf(frames)).toEqual([[6, 7]]);
  });

  test("a mark that everybody was given is not sent again with its event", async () => {
    const { world, sink, release } = await gathering();
    world.feed.announce({ release, at: 1 });
    world.feed.patch("prices");
    world.feed.give({ type: "revert", target: { release }, cause: { reason: "bad", evidence: null } });
    expect(typesOf(sink.take())).toEqual(["mark", "events"]);
  });

  test("a mark goes to everybody in one turn, whatever its first receivers answer", async () => {
    const world = createSampleWorld({ turnMs: 1 });
    const release = world.feed.start("prices");
    const sinks = Array.from({ length: 250 }, () => world.join({ log: "log-1", from: 4 }));
    for (const sink of sinks) sink.take();
    world.feed.announce({ release, at: 1 });
    expect(sinks.map((sink) => typesOf(sink.take()))).toEqual(sinks.map(() => ["mark"]));
  });

  test("a mark overtakes a broadcast that is under way after 100 followers", async () => {
    const world = createSampleWorld();
    const release = world.feed.start("prices");
    const sinks = Array.from({ length: 250 }, () => world.join({ log: "log-1", from: 4 }));
    for (const sink of sinks) sink.take();
    world.feed.give({ type: "hold", release, cause: { reason: "look", evidence: null } });
    world.feed.announce({ release, at: 1 });
    await world.pass(1);
    const orders = sinks.map((sink) => typesOf(sink.take()).join(" "));
    expect(orders.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => "events mark"));
    expect(orders.slice(100)).toEqual(Array.from({ length: 150 }, () => "mark events"));
  });

  test("a follower that waits for the state gets a mark at once", () => {
    const world = createSampleWorld({ snapshotMs: 500 });
    const release = world.feed.start("prices");
    const sink = world.join();
    world.feed.announce({ release, at: 1 });
    expect(typesOf(sink.take())).toEqual(["hello", "mark"]);
  });

  test("events that come while the state is being taken follow it without a gap", async () => {
    const world = createSampleWorld({ snapshotMs: 500 });
    const sink = world.join();
    await world.pass(100);
    world.feed.patch("prices");
    world.feed.start("prices");
    await world.pass(500);
    const frames = sink.take();
    expect(typesOf(frames)).toEqual(["hello", "state", "events", "heartbeat"]);
    expect(foldFrames(emptyReplica, frames).state).toEqual(world.feed.state());
  });

  test("a follower that comes between gathering and sending gets each patch once", async () => {
    const world = createSampleWorld();
    world.feed.patch("prices");
    await world.pass(10);
    const sink = world.join({ log: "log-1", from: 2 });
    world.feed.patch("prices");
    await world.pass(10);
    expect(sequencesOf(sink.take())).toEqual([[3], [4]]);
  });

  test("what everybody waits for is encoded once", async () => {
    const world = createSampleWorld();
    const sinks = Array.from({ length: 50 }, () => world.join());
    await world.pass(1);
    world.feed.patch("prices");
    await world.pass(20);
    await world.pass(2_000);
    const encoded = new Set(sinks.flatMap(({ written }) => written));
    const frames = [...encoded].map((chunk) => Buffer.from(chunk).toString().split("\n", 1)[0]);
    expect(frames).toEqual(["event: hello", "event: state", "event: heartbeat", "event: events", "event: heartbeat"]);
    expect(sinks.map(({ written }) => written.length)).toEqual(sinks.map(() => 5));
    expect(world.feed.snapshots()).toBe(1);
  });
});

describe("a heartbeat", () => {
  test("carries the age of the contact at the time of each write", async () => {
    const world = createSampleWorld();
    const sink = await world.joined();
    world.feed.setContactAge(1_500.2);
    await world.pass(2_000);
    expect(sink.take()).toEqual([{ type: "heartbeat", sequence: 2, ageMs: 1_501 }]);
  });

  test("waits for the one before it, so that an instance under load sends fewer and nothing waits behind them", async () => {
    const world = createSampleWorld({ turnMs: 1, limits: { followersPerTurn: 1, heartbeatMs: 5 } });
    const release = world.feed.start("prices");
    const sinks = Array.from({ length: 50 }, () => world.join({ log: "log-1", from: 4 }));
    await world.pass(1_000);
    for (const sink of sinks) sink.take();
    world.feed.give({ type: "hold", release, cause: { reason: "look", evidence: null } });
    await world.pass(150);
    expect(sinks.map((sink) => sequencesOf(sink.take()))).toEqual(sinks.map(() => [[5]]));
  });

  test("is not sent where there never was a contact; a comment keeps the stream alive", async () => {
    const world = createSampleWorld();
    const sink = await world.joined();
    world.feed.setContactAge(null);
    await world.pass(6_000);
    expect(sink.comments()).toBe(3);
    expect(sink.take()).toEqual([]);
  });

  test("is not sent to a follower that waits for the state, which may hold what was reverted", async () => {
    const world = createSampleWorld({ snapshotMs: 10_000 });
    const sink = world.join();
    await world.pass(6_000);
    expect(sink.comments()).toBe(3);
    expect(typesOf(sink.take())).toEqual(["hello"]);
  });
});

describe("on the way out", () => {
  test("everybody is told when to come back and is ended within five seconds, while marks still pass", async () => {
    const world = createSampleWorld();
    const sinks = Array.from({ length: 3_000 }, () => world.join({ log: "log-1", from: 2 }));
    for (const sink of sinks) sink.take();
    let gone = false;
    const drained = world.followers.drain().finally(() => {
      gone = true;
    });
    expect(sinks.map((sink) => sink.take())).toEqual(sinks.map(() => [{ type: "bye", retryMs: 1_000 }]));
    expect(() => world.join()).toThrow(expect.objectContaining({ code: "NOT_READY" }));
    await world.pass(2_500);
    const open = sinks.filter((sink) => sink.end() === "open");
    expect(open.length).toBeGreaterThan(1_000);
    expect(open.length).toBeLessThan(2_000);
    world.feed.announce({ release: "release-1", at: 1 });
    await world.pass(2_500);
    expect(open.every((sink) => typesOf(sink.take()).includes("mark"))).toBe(true);
    expect(sinks.every((sink) => sink.end() === "closed")).toBe(true);
    expect(gone).toBe(true);
    await drained;
  });

  test("a single follower is not waited for", async () => {
    const world = createSampleWorld();
    const sink = await world.joined();
    await world.followers.drain();
    expect(sink.end()).toBe("closed");
  });

  test("a closed instance leaves no timer behind", async () => {
    const world = createSampleWorld();
    const sink = await world.joined();
    world.feed.patch("prices");
    world.followers.close();
    world.registry.close();
    expect(sink.end()).toBe("aborted");
    expect(world.clock.nextInMs()).toBeUndefined();
  });
});
