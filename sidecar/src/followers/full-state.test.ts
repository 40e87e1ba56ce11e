import { expect, test } from "vitest";
import { createMemoryWorld, emptyReplica, foldFrames, typesOf } from "./memory-world.ts";

test("full states are on their way to as many as the limit says; the others wait in order", async () => {
  const world = createMemoryWorld({ limits: { fullStatesMax: 2 } });
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
  await world.pass(20);
  expect(served()).toEqual([true, true, true, true, false]);
});

test("a full state taken a moment ago serves who comes now, together with the events since", async () => {
  const world = createMemoryWorld();
  await world.joined();
  world.feed.patch("prices");
  await world.pass(500);
  const sink = world.join();
  await world.pass(1);
  expect(foldFrames(emptyReplica, sink.take()).state).toEqual(world.feed.state());
  expect(world.feed.snapshots()).toBe(1);
  await world.pass(1_000);
  world.join();
  await world.pass(1);
  expect(world.feed.snapshots()).toBe(2);
});

test("a full state that is too old for the events that are kept is taken anew", async () => {
  const world = createMemoryWorld();
  await world.joined();
  world.feed.patch("prices");
  world.feed.trim(3);
  const sink = world.join();
  await world.pass(1);
  expect(typesOf(sink.take())).toEqual(["hello", "state", "heartbeat"]);
  expect(world.feed.snapshots()).toBe(2);
});

test("full states go to everybody anew after a reset, with the log's name where it is another one", async () => {
  const world = createMemoryWorld();
  const sinks = [await world.joined(), await world.joined()];
  world.feed.patch("prices");
  world.feed.reset("log-2");
  await world.pass(1);
  for (const sink of sinks) {
    const frames = sink.take();
    expect(typesOf(frames)).toEqual(["hello", "state", "heartbeat"]);
    expect(foldFrames(emptyReplica, frames)).toMatchObject({ log: "log-2", state: world.feed.state() });
  }
});

test("full states as JSON come with a tag that names log, position and marks", async () => {
  const world = createMemoryWorld();
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
