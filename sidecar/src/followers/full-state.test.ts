import type { Feed } from "@sluice/replica";
import { expect, test } from "vitest";
import { createFullStates } from "./full-state.ts";
import type { SampleSink } from "./sample-sink.ts";
import { createSampleWorld, emptyReplica, foldFrames, sequencesOf, typesOf } from "./sample-world.ts";

test("full states are on their way to as many as the limit says; the others wait in order", async () => {
  const world = createSampleWorld({ limits: { fullStatesMax: 2 } });
  const sinks = Array.from({ length: 5 }, () => {
    const sink = world.join();
    sink.stall();
    return sink;
  });
  const served = (): boolean[] => sinks.map(({ written }) => written.length > 1);
  await world.pass(100);
  expect(served()).toEqual([true, true, false, false, false]);
  sinks[1]?.flow();
  await world.pass(20);
  expect(served()).toEqual([true, true, true, false, false]);
  sinks[0]?.leave();
  await world.pass(0);
  expect(served()).toEqual([true, true, true, true, false]);
});

test("a follower that takes nothing of its state does not keep the others from theirs", async () => {
  const world = createSampleWorld({ limits: { fullStatesMax: 1 } });
  const stuck = world.join();
  stuck.stall();
  const waiting = world.join();
  await world.pass(29_000);
  expect([stuck.end(), typesOf(waiting.take())]).toEqual(["open", ["hello"]]);
  await world.pass(1_100);
  expect([stuck.end(), typesOf(waiting.take())]).toEqual(["aborted", ["state", "heartbeat"]]);
});

test("a full state of a moment ago serves a crowd, together with the events since", async () => {
  const world = createSampleWorld({ limits: { fullStatesMax: 1 }, turnMs: 1 });
  const sinks: SampleSink[] = [];
  for (let joined = 0; joined < 100; joined += 1) {
    sinks.push(world.join(), world.join());
    world.feed.patch("prices");
    await world.pass(1);
  }
  await world.pass(500);
  for (const sink of sinks) expect(foldFrames(emptyReplica, sink.take()).state).toEqual(world.feed.state());
  expect(world.feed.snapshots()).toBeLessThan(5);
});

test("whoever comes alone gets the state of this moment", async () => {
  const world = createSampleWorld();
  await world.joined();
  world.feed.patch("prices");
  const sink = world.join();
  await world.pass(1);
  expect(typesOf(sink.take())).toEqual(["hello", "state", "heartbeat"]);
  expect(world.feed.snapshots()).toBe(2);
});

test("a full state that is too old for the events that are kept is taken anew", async () => {
  const world = createSampleWorld({ limits: { fullStatesMax: 1 }, turnMs: 1 });
  const sinks = [world.join(), world.join(), world.join()];
  await world.pass(1);
  world.feed.patch("prices");
  world.feed.trim(3);
  await world.pass(50);
  for (const sink of sinks) expect(foldFrames(emptyReplica, sink.take()).state).toEqual(world.feed.state());
});

test("full states go to everybody anew after a reset, and nothing that was gathered before", async () => {
  const world = createSampleWorld({ turnMs: 1, limits: { followersPerTurn: 1 } });
  const sinks = [await world.joined(), await world.joined()];
  world.feed.patch("prices");
  await world.pass(1);
  for (const sink of sinks) sink.take();
  world.feed.patch("prices");
  world.feed.reset(null);
  await world.pass(100);
  for (const sink of sinks) {
    const frames = sink.take();
    expect(typesOf(frames)).toEqual(["state", "heartbeat"]);
    expect(foldFrames(emptyReplica, frames).state).toEqual(world.feed.state());
  }
});

test("a reset while a state is being taken makes that state nobody's", async () => {
  const world = createSampleWorld({ snapshotMs: 50 });
  const sink = world.join();
  await world.pass(10);
  world.feed.patch("prices");
  world.feed.reset(null);
  await world.pass(200);
  const frames = sink.take();
  expect([typesOf(frames), sink.end()]).toEqual([["hello", "state", "heartbeat"], "open"]);
  expect(foldFrames(emptyReplica, frames).state).toEqual(world.feed.state());
});

test("a follower that waits while a reset is told gets the state once", async () => {
  const world = createSampleWorld({ limits: { fullStatesMax: 1 } });
  const sinks = [world.join(), world.join()];
  world.feed.reset(null);
  world.feed.patch("prices");
  await world.pass(100);
  for (const sink of sinks) expect(foldFrames(emptyReplica, sink.take()).state).toEqual(world.feed.state());
});

test("a state of a moment ago serves nobody once the log is another one", async () => {
  const { clock, feed, pass } = createSampleWorld();
  const fullStates = createFullStates(feed, clock);
  const before = fullStates.get(0);
  feed.reset("log-2");
  const after = fullStates.get(1_000);
  await pass(0);
  expect([(await before).etag, (await after).etag]).toEqual(['"log-1:2"', '"log-2:2"']);
});

test("what was gathered or queued of one log is not told to followers of the next", async () => {
  const world = createSampleWorld({ turnMs: 1, limits: { followersPerTurn: 1 } });
  const release = world.feed.start("prices");
  for (let joined = 0; joined < 10; joined += 1) world.join({ log: "log-1", from: 4 });
  await world.pass(100);
  world.feed.give({ type: "hold", release, cause: { reason: "look", evidence: null } });
  world.feed.give({ type: "resume", release, reason: "looked" });
  world.feed.patch("prices");
  world.feed.reset("log-2");
  const sink = world.join({ log: "log-2", from: 2 });
  await world.pass(100);
  expect(typesOf(sink.take())).toEqual(["hello", "heartbeat"]);
  world.feed.patch("prices");
  await world.pass(100);
  expect(sequencesOf(sink.take())).toEqual([[3]]);
});

test("a stream tells of one log: where the feed has another, its followers are sent away to come back", async () => {
  const world = createSampleWorld();
  const sink = await world.joined();
  world.feed.reset("log-2");
  expect([typesOf(sink.take()), sink.end()]).toEqual([["bye"], "closed"]);
  const again = world.join({ log: "log-1", from: 2 });
  await world.pass(1);
  expect(foldFrames(emptyReplica, again.take())).toMatchObject({ log: "log-2", state: world.feed.state() });
});

test("full states as JSON come with a tag that names log, position and marks", async () => {
  const world = createSampleWorld();
  const answer = world.followers.state([]);
  await world.pass(0);
  const { etag, frame } = await answer;
  expect(etag).toBe('"log-1:2"');
  expect(frame?.state).toEqual(world.feed.state());
  await expect(world.followers.state([etag])).resolves.toEqual({ etag, frame: null });
  world.feed.announce({ release: "release-9", at: 1 });
  const marked = world.followers.state([etag]);
  await world.pass(0);
  await expect(marked).resolves.toMatchObject({ etag: '"log-1:2:release-9"', frame: { type: "state" } });
});

test("a state from before a version that is on its way is not given again once that version is here", async () => {
  const { feed, clock } = createSampleWorld();
  feed.patch("prices");
  const before = feed.state();
  feed.patch("prices");
  // As a sidecar that waits for content: told up to now, whole up to before.
  let waits = true;
  const stateOf = () => (waits ? before : feed.state());
  const sidecar: Feed = {
    ...feed,
    snapshot: async () => ({ state: stateOf(), lines: {}, marks: [] }),
    snapshotSequence: () => stateOf().sequence,
  };
  const states = createFullStates(sidecar, clock);
  const first = await states.get(0);
  expect(first.frame.state.sequence).toBe(before.sequence);
  expect(states.etag()).toBe(first.etag);
  waits = false;
  expect(states.etag()).not.toBe(first.etag);
  expect((await states.get(0)).frame.state.sequence).toBe(feed.state().sequence);
});

test("a state is taken anew after a while though nothing has happened, since its versions may stand on other files", async () => {
  const { feed, clock } = createSampleWorld();
  feed.patch("prices");
  let taken = 0;
  const counting: Feed = {
    ...feed,
    async snapshot() {
      taken++;
      return { state: feed.state(), lines: {}, marks: [] };
    },
  };
  const states = createFullStates(counting, clock);
  await states.get(0);
  await states.get(0);
  expect(taken).toBe(1);
  clock.advance(30_000);
  await states.get(0);
  expect(taken).toBe(2);
});
