import { createVirtualClock, protocolVersion } from "@sluice/core";
import { expect, test } from "vitest";
import { type ConnectionHandler, createFollowing, silenceMs } from "./connection.ts";
import { encodeFrame } from "./origin.testing.ts";
import { settle } from "./turns.testing.ts";

const hello = { type: "hello", protocol: protocolVersion, log: "log-1", instance: "origin-1" } as const;
const handler: ConnectionHandler = {
  query: () => ({ id: "me", name: "n", kind: "sdk", log: null, from: 0, marks: [] }),
  connected: () => {},
  frame: () => {},
  heartbeat: () => {},
};

test("an instance that asks for patience is given it, within bounds", async () => {
  for (const [header, waitMs] of [
    ["2", 2_000],
    ["86400", 30_000],
  ] as const) {
    const clock = createVirtualClock();
    const following = createFollowing({
      urls: ["http://a"],
      clock,
      random: () => 0.5,
      fetch: async () => new Response(null, { status: 503, headers: { "retry-after": header } }),
      handler,
    });
    following.start();
    await settle();
    expect(following.state()).toMatchObject({
      phase: "waiting",
      error: { code: "UNREACHABLE", details: { status: 503 } },
    });
    expect(clock.nextInMs()).toBe(waitMs);
  }
});

test("an answer that is no stream is not read as one", async () => {
  const connected: string[] = [];
  const following = createFollowing({
    urls: ["http://a"],
    clock: createVirtualClock(),
    random: () => 0.5,
    fetch: async () => new Response(encodeFrame(hello), { headers: { "content-type": "text/html" } }),
    handler: { ...handler, connected: ({ url }) => void connected.push(url) },
  });
  following.start();
  await settle();
  expect(following.state()).toMatchObject({ phase: "waiting", error: { code: "UNREACHABLE" } });
  expect(connected).toEqual([]);
});

test("a fetch that never answers and knows no signal holds nothing up", async () => {
  const clock = createVirtualClock();
  let attempts = 0;
  const following = createFollowing({
    urls: ["http://a"],
    clock,
    random: () => 0.5,
    fetch() {
      attempts++;
      return new Promise(() => {});
    },
    handler,
  });
  following.start();
  await settle();
  clock.advance(silenceMs);
  await settle();
  clock.advance(clock.nextInMs() ?? 0);
  await settle();
  expect(attempts).toBe(2);
  await following.close();
  expect(clock.nextInMs()).toBe(undefined);
});
