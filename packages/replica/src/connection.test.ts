import {
  createVirtualClock,
  heartbeatMs,
  leaseMs,
  protocolVersion,
  type SluiceError,
  type VirtualClock,
} from "@sluice/core";
import type { Frame } from "@sluice/core/api";
import { expect, test } from "vitest";
import { type Following, createFollowing, silenceMs } from "./connection.ts";
import { createTestLog } from "./log.testing.ts";
import { createTestOrigin, encodeFrame, type TestOrigin } from "./origin.testing.ts";
import { settle } from "./turns.testing.ts";

interface World {
  readonly clock: VirtualClock;
  readonly origin: TestOrigin;
  readonly following: Following;
  /** Kinds of frame taken, and `connected` for each beginning. */
  readonly taken: string[];
  /** Thrown by the next frame that carries content. */
  failure: SluiceError | null;
  readonly pass: (durationMs: number) => Promise<void>;
}

const hello: Frame = { type: "hello", protocol: protocolVersion, log: "log-1", instance: "origin-1" };
const heartbeat = (ageMs: number): Frame => ({ type: "heartbeat", sequence: 0, ageMs });

function createWorld(
  options: { urls?: readonly string[]; random?: () => number; marks?: readonly string[] } = {},
): World {
  const clock = createVirtualClock();
  const origin = createTestOrigin({ log: createTestLog({ clock }) });
  origin.greet = async () => {};
  const taken: string[] = [];
  const following = createFollowing({
    urls: options.urls ?? ["http://a"],
    fetch: origin.fetch,
    clock,
    random: options.random ?? (() => 0.5),
    handler: {
      query: () => ({
        id: "me",
        name: "checkout",
        kind: "sdk",
        log: "log-1",
        from: 7,
        marks: options.marks ?? ["r1", "r2"],
      }),
      connected: ({ url, instance, log }) => void taken.push(`connected ${url} ${instance} ${log}`),
      frame({ type }) {
        taken.push(type);
        if (world.failure !== null) throw world.failure;
      },
      heartbeat: () => void taken.push("heartbeat"),
    },
  });
  const world: World = {
    clock,
    origin,
    following,
    taken,
    failure: null,
    async pass(durationMs) {
      clock.advance(durationMs);
      await settle();
    },
  };
  return world;
}

async function started(options?: Parameters<typeof createWorld>[0]): Promise<World> {
  const world = createWorld(options);
  world.following.start();
  await settle();
  return world;
}

test("more marks than a question holds are presented in part: who asks too much would never be answered", async () => {
  const marks = Array.from({ length: 1_000 }, (_, index) => `${"d".repeat(63)}-v12-${index}`);
  const { origin } = await started({ marks });
  const presented = origin.stream().query.marks;
  expect(presented.length).toBeGreaterThan(50);
  expect(marks).toEqual(expect.arrayContaining([...presented]));
});

test("the question says who asks, from where on, and which marks it holds", async () => {
  const { origin, following } = await started();
  expect(origin.stream().query).toEqual({
    id: "me",
    name: "checkout",
    kind: "sdk",
    log: "log-1",
    from: 7,
    marks: ["r1", "r2"],
  });
  expect(following.state()).toEqual({ url: "http://a", phase: "connecting", error: null });
});

test("a connection is one once the instance has said who it is", async () => {
  const { origin, following, taken } = await started();
  origin.stream().send(hello);
  await settle();
  expect(taken).toEqual(["connected http://a origin-1 log-1"]);
  expect(following.state()).toEqual({ url: "http://a", phase: "connected", error: null });
});

test("frames arrive whole however the stream is cut into chunks", async () => {
  const { origin, taken } = await started();
  const bytes = Buffer.from(
    encodeFrame(hello) + encodeFrame({ type: "mark", mark: { release: "版本", at: 1 } }) + encodeFrame(heartbeat(0)),
  );
  for (const byte of bytes) origin.stream().write(Uint8Array.of(byte));
  await settle();
  expect(taken.slice(1)).toEqual(["mark", "heartbeat"]);
});

test("a stream cut in the middle of a frame gives out nothing of it, and the next one asks again", async () => {
  const { clock, origin, following, taken, pass } = await started();
  origin.stream().send(hello);
  const frame = encodeFrame({ type: "mark", mark: { release: "r1", at: 1 } });
  for (let length = 1; length < frame.length; length++) {
    origin.stream().write(frame.slice(0, length));
    await settle();
    origin.stream().cut();
    await settle();
    expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "UNREACHABLE" } });
    await pass(clock.nextInMs() ?? 0);
    origin.stream().send(hello);
    await settle();
  }
  expect(taken.filter((each) => each === "mark")).toEqual([]);
  origin.stream().write(frame);
  await settle();
  expect(taken.at(-1)).toBe("mark");
}, 30_000);

const bad: [string, string][] = [
  ["no JSON", "event: mark\ndata: {\n\n"],
  ["an unknown name", "event: surprise\ndata: {}\n\n"],
  ["no name", 'data: {"mark":{"release":"r1","at":1}}\n\n'],
  ["a wrong shape", 'event: mark\ndata: {"mark":{"release":1}}\n\n'],
  ["an array", "event: mark\ndata: []\n\n"],
];
test.each(bad)("a frame with %s ends the stream with PROTOCOL", async (_what, text) => {
  const { origin, following, taken } = await started();
  origin.stream().send(hello);
  origin.stream().write(text);
  await settle();
  expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "PROTOCOL" } });
  expect(taken.length).toBe(1);
  expect(origin.stream().closed).toBe(true);
});

test("bytes that are not UTF-8 end the stream with PROTOCOL", async () => {
  const { origin, following } = await started();
  origin.stream().write(Uint8Array.of(0x64, 0xff, 0xfe));
  await settle();
  expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "PROTOCOL" } });
});

test.each([
  ["of another protocol", { ...hello, protocol: protocolVersion + 1 }],
  ["that comes twice", hello],
])("a hello %s ends the stream", async (_what, frame) => {
  const { origin, following } = await started();
  if (frame === hello) origin.stream().send(hello);
  origin.stream().send(frame);
  await settle();
  expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "PROTOCOL" } });
});

test("a stream that does not begin with hello is ended", async () => {
  const { origin, following, taken } = await started();
  origin.stream().send({ type: "mark", mark: { release: "r1", at: 1 } });
  await settle();
  expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "PROTOCOL" } });
  expect(taken).toEqual([]);
});

test("what cannot be taken ends the stream, and nothing behind it is taken", async () => {
  const world = await started();
  world.failure = Object.assign(new Error("gap")) as SluiceError;
  world.origin.stream().send(hello);
  world.origin.stream().write(encodeFrame({ type: "mark", mark: { release: "a", at: 1 } }) + encodeFrame(heartbeat(0)));
  await settle();
  expect(world.taken.slice(1)).toEqual(["mark"]);
  expect(world.following.state().phase).toBe("waiting");
});

test("a silent stream is taken for lost after three heartbeats, at the beginning as well as later", async () => {
  const { origin, following, pass, clock } = await started();
  await pass(silenceMs - 1);
  expect(following.state().phase).toBe("connecting");
  await pass(1);
  expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "TIMEOUT" } });
  await pass(clock.nextInMs() ?? 0);
  origin.stream().send(hello);
  await settle();
  await pass(heartbeatMs);
  origin.stream().write(": any byte counts\n");
  await settle();
  await pass(silenceMs - 1);
  expect(following.state().phase).toBe("connected");
  await pass(1);
  expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "TIMEOUT" } });
});

test("a lease runs from the last contact with the log's owner, the age of each hop added", async () => {
  const { origin, following, pass } = await started();
  expect(following.contactAgeMs()).toBe(null);
  origin.stream().send(hello);
  await settle();
  // Who says hello may have had no contact for long.
  expect(following.contactAgeMs()).toBe(null);
  origin.stream().send(heartbeat(3_000));
  await settle();
  expect(following.contactAgeMs()).toBe(3_000);
  await pass(1_500);
  expect(following.contactAgeMs()).toBe(4_500);
  // An older contact than the one that is known of adds nothing.
  origin.stream().send(heartbeat(9_000));
  await settle();
  expect(following.contactAgeMs()).toBe(4_500);
  origin.stream().send({ type: "mark", mark: { release: "r1", at: 1 } });
  await settle();
  expect(following.contactAgeMs()).toBe(4_500);
  origin.stream().send(heartbeat(10));
  await settle();
  expect(following.contactAgeMs()).toBe(10);
});

test("contact with one log is none with another", async () => {
  const { origin, following, pass, clock } = await started();
  origin.stream().send(hello);
  origin.stream().send(heartbeat(0));
  origin.stream().end();
  await settle();
  await pass(clock.nextInMs() ?? 0);
  origin.stream().send(hello);
  await settle();
  expect(following.contactAgeMs()).toBe(clock.now());
  origin.stream().end();
  await settle();
  await pass(clock.nextInMs() ?? 0);
  origin.stream().send({ ...hello, log: "log-2" });
  await settle();
  expect(following.contactAgeMs()).toBe(null);
});

test("waits grow with failures, are bounded, and begin anew after a stream that lasted as long as a lease", async () => {
  const { origin, clock, pass, following } = await started({ random: () => 0.999 });
  origin.stream().cut();
  await settle();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    waits.push(Math.round((clock.nextInMs() ?? 0) / 0.999));
    origin.down = true;
    await pass(clock.nextInMs() ?? 0);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  expect(following.state().error).toMatchObject({
    code: "UNREACHABLE",
    message: expect.stringContaining("ECONNREFUSED"),
  });

  origin.down = false;
  await pass(clock.nextInMs() ?? 0);
  origin.stream().send(hello);
  await settle();
  for (let beats = 0; beats * heartbeatMs < leaseMs; beats++) {
    origin.stream().send(heartbeat(0));
    await pass(heartbeatMs);
  }
  origin.stream().cut();
  await settle();
  expect(Math.round((clock.nextInMs() ?? 0) / 0.999)).toBe(100);
});

test("a wait is anything from nothing to its bound", async () => {
  const { origin, clock } = await started({ random: () => 0 });
  origin.stream().cut();
  await settle();
  expect(clock.nextInMs()).toBe(0);
});

test("instances are tried in turn, and one that serves is kept", async () => {
  const { origin, clock, pass, taken } = await started({ urls: ["http://a", "http://b"] });
  origin.stream().cut();
  await settle();
  await pass(clock.nextInMs() ?? 0);
  origin.stream().send({ ...hello, instance: "origin-2" });
  await settle();
  expect(taken).toEqual(["connected http://b origin-2 log-1"]);
  origin.stream().cut();
  await settle();
  await pass(clock.nextInMs() ?? 0);
  expect(origin.streams.map(({ url }) => url)).toEqual(["http://a", "http://b", "http://a"]);
});

test("after a bye the next question comes about when it was asked for, and nothing behind the bye is taken", async () => {
  const { origin, clock, taken, following } = await started({ random: () => 0.25 });
  origin.stream().send(hello);
  origin.stream().write(encodeFrame({ type: "bye", retryMs: 4_000 }) + encodeFrame(heartbeat(0)));
  await settle();
  expect(following.state()).toEqual({ url: "http://a", phase: "waiting", error: null });
  expect(taken.length).toBe(1);
  expect(clock.nextInMs()).toBe(3_000);
});

test("a reconnect that is asked for without an error comes at once, to the same instance", async () => {
  const { origin, following, pass } = await started({ urls: ["http://a", "http://b"] });
  origin.stream().send(hello);
  await settle();
  following.reconnect(null);
  await settle();
  await pass(0);
  expect(origin.streams.map(({ url, closed }) => [url, closed])).toEqual([
    ["http://a", true],
    ["http://a", false],
  ]);
});

test.each(["connecting", "connected", "waiting"])(
  "a connection closed while %s leaves no timer, no stream, and never comes back",
  async (phase) => {
    const { origin, following, clock, pass } = await started();
    if (phase !== "connecting") origin.stream().send(hello);
    await settle();
    if (phase === "waiting") origin.stream().cut();
    await settle();
    expect(following.state().phase).toBe(phase);
    await following.close();
    expect(following.state().phase).toBe("closed");
    expect(origin.stream().closed).toBe(true);
    expect(clock.nextInMs()).toBe(undefined);
    await pass(60_000);
    expect(origin.streams.length).toBe(1);
  },
);
