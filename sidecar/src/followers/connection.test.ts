import { expect, test } from "vitest";
import { createSampleWorld, emptyReplica, foldFrames, sequencesOf } from "./sample-world.ts";

const limits = { unsentBytesMax: 1_000, deliveryMsMax: 30_000 };

test("a follower is dropped when more than the limit is unsent, and the others miss nothing", async () => {
  const world = createSampleWorld({ limits });
  const [slow, fast] = [await world.joined(), await world.joined()];
  slow.stall();
  for (let count = 0; count < 20; count += 1) {
    world.feed.patch("prices");
    await world.pass(20);
  }
  expect([slow.end(), fast.end()]).toEqual(["aborted", "open"]);
  expect(sequencesOf(fast.take()).flat()).toEqual(Array.from({ length: 20 }, (_, index) => index + 3));
  expect(world.followers.dropped()).toBe(1);
  expect(world.followers.count()).toBe(1);
});

test("a follower that was dropped resumes where it was", async () => {
  const world = createSampleWorld({ limits });
  const slow = world.join({ id: "slow" });
  await world.pass(1);
  let replica = foldFrames(emptyReplica, slow.take());
  slow.stall();
  for (let count = 0; count < 20; count += 1) {
    world.feed.patch("prices");
    await world.pass(20);
  }
  replica = foldFrames(replica, slow.take());
  const again = world.join({ id: "slow", log: replica.log, from: replica.state.sequence });
  expect(foldFrames(replica, again.take()).state).toEqual(world.feed.state());
});

test("a follower is not dropped for one burst that it takes at once", async () => {
  const world = createSampleWorld({ limits });
  const sink = await world.joined();
  sink.stall();
  for (let count = 0; count < 20; count += 1) {
    world.feed.patch("prices", 500);
    world.feed.give({ type: "add-source", dataset: "prices", source: sourceOf(count) });
    world.feed.give({ type: "remove-source", dataset: "prices", source: sourceOf(count).id });
  }
  sink.flow();
  await world.pass(2_000);
  expect(sink.end()).toBe("open");
  expect(world.followers.dropped()).toBe(0);
});

test("a follower may take its time over a state that is larger than the limit, but not for ever", async () => {
  const world = createSampleWorld({ limits });
  const sink = world.join();
  sink.stall();
  await world.pass(10_000);
  expect(sink.unsentBytes()).toBeGreaterThan(limits.unsentBytesMax);
  expect(sink.end()).toBe("open");
  await world.pass(25_000);
  expect(sink.end()).toBe("aborted");
});

function sourceOf(number: number): { id: string; url: string; intervalMs: number; onNew: "hold" } {
  return { id: `source-${number}`, url: "http://127.0.0.1/prices", intervalMs: 30_000, onNew: "hold" };
}
