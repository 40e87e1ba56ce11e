import { emptyState, leaseMs, type LoggedEvent, own, protocolVersion } from "@sluice/core";
import { expect, test } from "vitest";
import { endOf } from "./local.testing.ts";
import { createTestLog } from "./log.testing.ts";
import { createTestOrigin, encodeFrame } from "./origin.testing.ts";
import { settle } from "./turns.testing.ts";
import { createStartedWorld, createWorld, itemsOf, type World } from "./world.testing.ts";

/** A candidate that is out to 5 %. */
async function released(): Promise<World> {
  const world = await createStartedWorld();
  world.origin.send(await world.log.publish("prices", itemsOf({ a: 2 }), false), world.log.release("prices", "r1"));
  await settle();
  return world;
}

test("a replica that never had contact holds nothing", async () => {
  const { replica } = await createWorld();
  expect(replica.snapshot()).toEqual({ log: null, state: emptyState, datasets: new Map(), marks: new Set() });
  expect(replica.connection()).toEqual({ url: null, phase: "idle", error: null });
  expect([replica.leaseHeld(), replica.contactAgeMs()]).toEqual([false, null]);
});

test("a new follower gets the state whole, fetches what it names and shows it", async () => {
  const { replica, log, origin, changes, shown } = await createStartedWorld();
  expect(origin.stream().query).toMatchObject({
    id: "app-1",
    name: "checkout",
    kind: "sdk",
    log: null,
    from: 0,
    marks: [],
  });
  expect(replica.snapshot()).toMatchObject({ log: "log-1", state: log.state() });
  expect(shown()).toEqual({ stable: itemsOf({ a: 1 }), candidate: null });
  expect(changes.map(({ events }) => events)).toEqual([null, []]);
  expect(replica.connection()).toEqual({ url: "http://a", phase: "connected", error: null });
  expect(replica.leaseHeld()).toBe(true);
});

test("events are folded as they come, one snapshot for each frame, whole references in place of the old ones", async () => {
  const { replica, log, origin, changes, shown } = await createStartedWorld();
  const before = replica.snapshot();
  const events = [log.patch("prices", itemsOf({ b: 2 })), log.patch("prices", itemsOf({ a: 3 }))];
  origin.send(...events);
  await settle();
  expect(shown().stable).toEqual(itemsOf({ a: 3, b: 2 }));
  expect(changes.at(-1)).toMatchObject({ previous: before, events, marks: [] });
  expect(before.state.sequence).toBe(2);
  expect(before.datasets.get("prices")?.stable?.number).toBe(1);
});

test("a stream cut in the middle of an event loses nothing", async () => {
  const { log, origin, pass, shown } = await createStartedWorld();
  const logged = log.patch("prices", itemsOf({ b: 2 }));
  const frame = encodeFrame({ type: "events", events: [logged] });
  origin.stream().write(frame.slice(0, frame.length - 5));
  origin.stream().cut();
  await settle();
  expect(shown().stable).toEqual(itemsOf({ a: 1 }));
  await pass(100);
  expect(origin.stream().query).toMatchObject({ log: "log-1", from: 2 });
  expect(shown().stable).toEqual(itemsOf({ a: 1, b: 2 }));
});

const disorders: [string, (events: readonly LoggedEvent[]) => readonly LoggedEvent[]][] = [
  ["a gap at the beginning", (events) => events.slice(1)],
  ["a gap in the middle", ([first, , third]) => [first, third].filter((each) => each !== undefined)],
  ["a bad order", (events) => events.toReversed()],
  ["a repeat", ([first]) => [first, first].filter((each) => each !== undefined)],
];
test.each(disorders)(
  "events with %s are not folded: they are asked for again from the last one that was",
  async (_what, spoil) => {
    const { log, origin, replica, pass, shown } = await createStartedWorld();
    const events = ["b", "c", "d"].map((key) => log.patch("prices", itemsOf({ [key]: 1 })));
    origin.send(...spoil(events));
    await settle();
    expect(replica.snapshot().state.sequence).toBe(2);
    expect(replica.counts().gaps).toBe(1);
    expect(replica.connection()).toMatchObject({ phase: "waiting", error: { code: "PROTOCOL" } });
    await pass(100);
    expect(origin.stream().query).toMatchObject({ log: "log-1", from: 2 });
    expect(shown().stable).toEqual(itemsOf({ a: 1, b: 1, c: 1, d: 1 }));
  },
);

test("an event that cannot follow the state asks for the state whole", async () => {
  const { log, origin, replica, pass, shown } = await createStartedWorld();
  const before = replica.snapshot().state;
  log.patch("prices", itemsOf({ b: 2 }));
  const impossible = {
    sequence: 3,
    at: 0,
    by: { kind: "person", name: "x" },
    event: endOf("release-completed", "never"),
  } as const;
  origin.send(impossible);
  await settle();
  expect(replica.snapshot().state).toBe(before);
  await pass(100);
  expect(origin.stream().query).toMatchObject({ log: null, from: 0 });
  expect(shown().stable).toEqual(itemsOf({ a: 1, b: 2 }));
});

test("another log brings its state whole; what was shown stays until the new content is here, and old marks mean nothing", async () => {
  const world = await released();
  const { clock, origin, replica, pass, shown } = world;
  origin.mark({ release: "r1", at: 1 });
  await settle();
  const other = createTestLog({ clock, id: "log-2" });
  other.create("prices");
  await other.publish("prices", itemsOf({ a: 9 }), true);
  const newOrigin = createTestOrigin({ log: other, instance: "origin-2" });
  const missing = other.lines.current().get("prices")?.stable?.base.parts[0]?.name ?? "";
  origin.greet = newOrigin.greet;
  origin.stream().end();
  await settle();
  await pass(100);
  expect(replica.snapshot()).toMatchObject({ log: "log-2", state: { sequence: 2 }, marks: new Set() });
  expect(shown()).toEqual({ stable: itemsOf({ a: 1 }), candidate: null });
  expect(origin.asked).toContain(missing);
  for (const name of await other.blobs.list()) await world.log.blobs.put(name, await other.blobs.read(name));
  await pass(10_000);
  expect(shown().stable).toEqual(itemsOf({ a: 9 }));
});

test("a mark that comes ahead of another log's state is in force with that state, though the state is from before it", async () => {
  const world = await released();
  const { clock, origin, replica, pass } = world;
  const other = createTestLog({ clock, id: "log-2" });
  other.create("prices");
  await other.publish("prices", itemsOf({ a: 9 }), true);
  await other.publish("prices", itemsOf({ a: 8 }), false);
  other.release("prices", "other-r1");
  const newOrigin = createTestOrigin({ log: other, instance: "origin-2" });
  origin.greet = async (stream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: "log-2", instance: "origin-2" });
    stream.send({ type: "mark", mark: { release: "other-r1", at: 5 } });
    stream.send(await newOrigin.whole());
  };
  origin.stream().end();
  await settle();
  await pass(100);
  expect(replica.snapshot()).toMatchObject({ log: "log-2", marks: new Set(["other-r1"]) });
  expect(origin.confirmations.flatMap(({ confirmations }) => confirmations).at(-1)?.reverted).toEqual(["other-r1"]);
});

test("events where the whole state has to come are refused", async () => {
  const { log, origin, replica, pass } = await createStartedWorld();
  origin.greet = async (stream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: "log-2", instance: "origin-2" });
    stream.send({ type: "events", events: [log.patch("prices", itemsOf({ b: 2 }))] });
  };
  origin.stream().end();
  await settle();
  await pass(100);
  expect(replica.snapshot()).toMatchObject({ log: "log-1", state: { sequence: 2 } });
  expect(replica.connection().error).toMatchObject({ code: "PROTOCOL" });
});

test("an instance that is behind takes nobody back: what was reverted would come back", async () => {
  const world = await released();
  const { log, origin, replica, pass } = world;
  const old = await origin.whole();
  origin.send(log.append(endOf("release-reverted", "r1")));
  await settle();
  const { greet } = origin;
  origin.greet = async (stream) => {
    stream.send({ type: "hello", protocol: protocolVersion, log: "log-1", instance: "origin-2" });
    stream.send(old);
  };
  origin.stream().end();
  await settle();
  await pass(100);
  expect(own(replica.snapshot().state.releases, "r1")?.phase).toBe("reverted");
  expect(replica.connection()).toMatchObject({ phase: "waiting", error: { code: "PROTOCOL" } });
  origin.greet = greet;
  await pass(100);
  expect(replica.connection()).toMatchObject({ phase: "connected", error: null });
});

test("with the first instance gone the next one is followed from the same event on, and gives the blobs", async () => {
  const world = await createStartedWorld({ urls: ["http://a/", "http://b"] });
  const { log, origin, replica, pass, shown } = world;
  origin.stream().cut();
  await settle();
  await log.publish("prices", itemsOf({ a: 5 }), true);
  await pass(100);
  expect(origin.streams.map(({ url, query }) => [url, query.from])).toEqual([
    ["http://a", 0],
    ["http://b", 2],
  ]);
  expect(shown().stable).toEqual(itemsOf({ a: 5 }));
  expect(replica.connection().url).toBe("http://b");
});

test("a lease ends by the clock alone, and contact renews it", async () => {
  const { origin, replica, pass } = await createStartedWorld();
  origin.heartbeat(4_000);
  origin.stream().cut();
  origin.down = true;
  await pass(leaseMs - 1);
  expect(replica.leaseHeld()).toBe(true);
  await pass(1);
  expect(replica.leaseHeld()).toBe(false);
  expect(replica.contactAgeMs()).toBe(leaseMs);
  origin.down = false;
  await pass(5_000);
  expect(replica.leaseHeld()).toBe(true);
});

test("no lease comes of an instance that has itself been cut off for long", async () => {
  const world = await createWorld();
  const { origin, replica } = world;
  const { greet } = origin;
  origin.greet = async (stream) => {
    await greet({
      ...stream,
      send: (frame) => stream.send(frame.type === "heartbeat" ? { ...frame, ageMs: 60_000 } : frame),
    });
  };
  await replica.start();
  await settle();
  expect(replica.contactAgeMs()).toBe(60_000);
  expect(replica.leaseHeld()).toBe(false);
});

test("ready ends when everything has a stable version, and else names what is missing and why", async () => {
  const world = await createWorld({ datasets: ["prices", "stock", "flags"] });
  const { log, origin, replica, pass } = world;
  origin.down = true;
  await replica.start();
  const first = replica.ready(500).catch((error: unknown) => error);
  await pass(500);
  expect(await first).toMatchObject({
    code: "NOT_READY",
    message: expect.stringContaining("no instance was reached"),
  });

  origin.down = false;
  log.create("stock");
  await pass(5_000);
  const second = replica.ready(500).catch((error: unknown) => error);
  await pass(500);
  expect(await second).toMatchObject({
    code: "NOT_READY",
    message: expect.stringContaining("stock (nothing published), flags (not created)"),
    details: { missing: ["stock", "flags"] },
  });

  const third = replica.ready(500);
  origin.send(
    await log.publish("stock", itemsOf({ s: 1 }), true),
    log.create("flags"),
    await log.publish("flags", itemsOf({}), true),
  );
  await settle();
  await third;
  await replica.ready(0);
});

test.each([[[]], [["ftp://a"]], [["a"]]])("urls %j are refused", async (urls) => {
  await expect(createWorld({ urls })).rejects.toMatchObject({ code: "VALIDATION" });
});

test("close sends what waits, and leaves no timer, no stream and no file", async () => {
  const { origin, replica, clock } = await createStartedWorld();
  replica.reporter.outcome({ release: "r1", epoch: 1, arm: "control", unit: 1, failure: null });
  const waiting = replica.ready(0);
  await waiting;
  await replica.close();
  expect(origin.outcomes).toMatchObject([{ reporter: "app-1", sequence: 1 }]);
  expect(origin.stream().closed).toBe(true);
  expect(clock.nextInMs()).toBe(undefined);
  expect(replica.connection().phase).toBe("closed");
  expect(() => replica.snapshot().datasets.get("prices")?.stable?.get("a")).toThrow(
    expect.objectContaining({ code: "CLOSED" }),
  );
});

test("close waits two seconds at most for an instance that does not answer", async () => {
  const { origin, replica, clock } = await createStartedWorld({});
  replica.reporter.outcome({ release: "r1", epoch: 1, arm: "control", unit: 1, failure: null });
  const { fetch } = origin;
  expect(fetch).toBeDefined();
  origin.down = true;
  const closing = replica.close();
  await settle();
  clock.advance(2_000);
  await closing;
  expect(clock.nextInMs()).toBe(undefined);
});

test("close says goodbye, last of all", async () => {
  const { origin, replica } = await createStartedWorld();
  replica.reporter.confirm({ follower: "app-2", applied: 5, reverted: [], prepared: [] });
  await replica.close();
  expect(origin.confirmations.at(-1)).toEqual({ confirmations: [], children: null, left: ["app-1"] });
});

test("a goodbye that nobody answers delays the close by a quarter of a second at most", async () => {
  const { origin, clock, another, pass } = await createWorld();
  let hangs = false;
  const replica = another({ fetch: (input, init) => (hangs ? new Promise(() => {}) : origin.fetch(input, init)) });
  await replica.start();
  await pass(1_000);
  hangs = true;
  let closed = false;
  void replica.close().then(() => (closed = true));
  await settle();
  clock.advance(249);
  await settle();
  expect(closed).toBe(false);
  clock.advance(1);
  await settle();
  expect(closed).toBe(true);
});

test("who waits to be ready is told of the close", async () => {
  const { replica, origin } = await createWorld();
  origin.down = true;
  await replica.start();
  const ready = replica.ready(60_000).catch((error: unknown) => error);
  await replica.close();
  expect(await ready).toMatchObject({ code: "CLOSED" });
});
