import { createVirtualClock, heartbeatMs, leaseMs, protocolVersion } from "@sluice/core";
import type { Frame } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createFollowing, type Following, silenceMs } from "./connection.ts";
import { createTestLog } from "./log.testing.ts";
import { createTestOrigin, type TestOrigin } from "./origin.testing.ts";
import { settle } from "./turns.testing.ts";

interface World {
  readonly origin: TestOrigin;
  readonly following: Following;
  /** Kinds of content that were taken. */
  readonly taken: string[];
  readonly pass: (durationMs: number) => Promise<void>;
  /** The process stands still for so long: none of its timers has fired when it goes on. */
  readonly stop: (durationMs: number) => void;
}

const hello: Frame = { type: "hello", protocol: protocolVersion, log: "log-1", instance: "origin-1" };
const heartbeat = (ageMs: number): Frame => ({ type: "heartbeat", sequence: 0, ageMs });

async function started(): Promise<World> {
  const clock = createVirtualClock();
  let stoodMs = 0;
  const origin = createTestOrigin({ log: createTestLog({ clock }) });
  origin.greet = async () => {};
  const taken: string[] = [];
  const following = createFollowing({
    urls: ["http://a"],
    fetch: origin.fetch,
    clock: { ...clock, now: () => clock.now() + stoodMs },
    random: () => 0.5,
    handler: {
      query: () => ({ id: "me", name: "checkout", kind: "sdk", log: "log-1", from: 7, marks: [] }),
      connected: () => {},
      frame: ({ type }) => void taken.push(type),
      heartbeat: () => {},
    },
  });
  following.start();
  await settle();
  return {
    origin,
    following,
    taken,
    async pass(durationMs) {
      clock.advance(durationMs);
      await settle();
    },
    stop(durationMs) {
      stoodMs += durationMs;
    },
  };
}

test("heartbeats that waited in the socket of a process that was stopped count from before it was", async () => {
  const { origin, following, taken, stop, pass } = await started();
  origin.stream().send(hello);
  origin.stream().send(heartbeat(0));
  await settle();
  expect(following.contactAgeMs()).toBe(0);
  // The network breaks four seconds later, and the process goes on long after that.
  stop(60_000);
  for (let sent = 0; sent < 2; sent++) origin.stream().send(heartbeat(0));
  origin.stream().send({ type: "mark", mark: { release: "r1", at: 0 } });
  await settle();
  expect(following.contactAgeMs()).toBe(60_000);
  expect(taken.at(-1)).toBe("mark");
  await pass(silenceMs);
  await pass(100);
  expect(origin.streams.length).toBe(2);
  expect(following.contactAgeMs()).toBe(60_100 + silenceMs);
  origin.stream().send(hello);
  origin.stream().send(heartbeat(0));
  await settle();
  expect(following.contactAgeMs()).toBe(0);
});

test("a stream that outlives a stop is believed again once more has come than can have waited", async () => {
  const { origin, following, stop, pass } = await started();
  origin.stream().send(hello);
  stop(7_000);
  for (let waited = 0; waited < 3; waited++) origin.stream().send(heartbeat(0));
  await settle();
  expect(following.contactAgeMs()).toBe(7_000);
  const ages: (number | null)[] = [];
  for (let sent = 0; sent < 3; sent++) {
    await pass(heartbeatMs / 2);
    await pass(heartbeatMs / 2);
    origin.stream().send(heartbeat(0));
    await settle();
    ages.push(following.contactAgeMs());
  }
  expect(ages).toEqual([9_000, 11_000, 0]);
});

test("a process that is kept from its turns again and again keeps its lease", async () => {
  const { origin, following, stop, pass } = await started();
  origin.stream().send(hello);
  origin.stream().send(heartbeat(0));
  for (let times = 0; times < 20; times++) {
    await pass(heartbeatMs / 2);
    await pass(heartbeatMs / 2);
    origin.stream().send(heartbeat(0));
    await settle();
    stop(heartbeatMs + 500);
    origin.stream().send(heartbeat(0));
    await settle();
    expect(following.contactAgeMs()).toBeLessThan(leaseMs / 2);
  }
  expect(origin.streams.length).toBe(1);
});

test("a process that was busy for a moment believes what it reads", async () => {
  const { origin, following, stop } = await started();
  origin.stream().send(hello);
  stop(heartbeatMs);
  origin.stream().send(heartbeat(0));
  await settle();
  expect(following.contactAgeMs()).toBe(0);
});
