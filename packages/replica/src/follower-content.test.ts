import { type LoggedEvent, own } from "@sluice/core";
import { expect, test } from "vitest";
import { healMs } from "./healing.ts";
import { settle } from "./turns.testing.ts";
import { createStartedWorld, createWorld, itemsOf, shownBy } from "./world.testing.ts";

test("ready waits for the content, not for the state alone", async () => {
  const world = await createWorld();
  const { log, origin, replica, pass } = world;
  const names = new Set(await log.blobs.list());
  origin.withheld = (name) => names.has(name);
  await replica.start();
  await settle();
  const ready = replica.ready(100).catch((error: unknown) => error);
  await pass(100);
  expect(await ready).toMatchObject({
    message: expect.stringContaining("prices (its content has not arrived)"),
  });
  expect(replica.counts().failedFetches).toBeGreaterThan(0);
  origin.withheld = () => false;
  await pass(5_000);
  await replica.ready(0);
  expect(origin.asked.length).toBeGreaterThan(2);
});

test("a blob that is not what it should be is counted, fetched again, and never kept", async () => {
  const world = await createWorld();
  const { log, origin, replica, pass, shown } = world;
  origin.tamper = (bytes) => {
    const wrong = Buffer.from(bytes);
    wrong[wrong.length - 1] = (wrong[wrong.length - 1] ?? 0) ^ 1;
    return wrong;
  };
  await replica.start();
  await settle();
  expect(shown().stable).toBe(null);
  expect(replica.counts().wrongBlobs).toBe((await log.blobs.list()).length);
  expect(await replica.blobs.list()).toEqual([]);
  origin.tamper = (bytes) => bytes;
  await pass(100);
  expect(shown().stable).toEqual(itemsOf({ a: 1 }));
});

test.each([
  ["too short", (bytes: Uint8Array) => bytes.subarray(1)],
  ["too long", (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from("x")])],
])("a blob that is %s is fetched again", async (_what, tamper) => {
  const { origin, replica, pass, shown } = await (async () => {
    const world = await createWorld();
    world.origin.tamper = tamper;
    await world.replica.start();
    await settle();
    return world;
  })();
  expect(shown().stable).toBe(null);
  expect(replica.counts().failedFetches).toBeGreaterThan(0);
  origin.tamper = (bytes) => bytes;
  await pass(100);
  expect(shown().stable).toEqual(itemsOf({ a: 1 }));
});

test("a line that does not come to what was published is healed by the whole state, and never shown wrong", async () => {
  const world = await createStartedWorld();
  const { log, origin, replica, pass, shown } = world;
  const logged = log.patch("prices", itemsOf({ b: 2 }));
  const { event } = logged;
  if (event.type !== "patched") throw new Error("a patch patches");
  // The patch is another one than the origin made.
  origin.send({ ...logged, event: { ...event, delta: { set: [["b", "3"]], remove: [] } } });
  await settle();
  expect(shown().stable).toEqual(itemsOf({ a: 1 }));
  expect(replica.counts().mismatches).toBe(1);
  await pass(100);
  expect(origin.stream().query.log).toBe(null);
  expect(shown().stable).toEqual(itemsOf({ a: 1, b: 2 }));
});

test("what the origin itself holds wrongly asks for the state once a minute, and nothing else suffers", async () => {
  const world = await createStartedWorld();
  const { log, origin, replica, pass, shown } = world;
  log.create("stock");
  await log.publish("stock", itemsOf({ s: 1 }), true);
  const { whole } = origin;
  origin.whole = async () => {
    const frame = await whole();
    const stock = frame.lines["stock"]?.stable;
    if (stock === undefined || stock === null) return frame;
    return { ...frame, lines: { ...frame.lines, stock: { stable: { ...stock, items: 7 }, candidate: null } } };
  };
  origin.send(...log.events.slice(2, 3), {
    ...log.events[3],
    event: { ...log.events[3]?.event, content: wrong(log.events[3]) },
  } as LoggedEvent);
  await settle();
  const seconds = healMs / 1_000 - 1;
  for (let second = 0; second < seconds; second++) {
    origin.heartbeat();
    await pass(1_000);
  }
  expect(origin.streams.length).toBe(2);
  expect(shown().stable).toEqual(itemsOf({ a: 1 }));
  origin.send(log.patch("prices", itemsOf({ b: 2 })));
  await settle();
  expect(shown().stable).toEqual(itemsOf({ a: 1, b: 2 }));
  for (let second = 0; second < 5; second++) {
    origin.heartbeat();
    await pass(1_000);
  }
  expect(origin.streams.length).toBe(3);
  expect(replica.leaseHeld()).toBe(true);
});

function wrong(logged: LoggedEvent | undefined): unknown {
  const event = logged?.event;
  return event?.type === "version-published" ? { ...event.content, items: 7 } : undefined;
}

test("only the datasets that are asked for are fetched", async () => {
  const world = await createWorld({ datasets: ["stock"] });
  const { origin, replica } = world;
  await replica.start();
  await settle();
  expect(origin.asked).toEqual([]);
  expect(shownBy(replica, "prices")).toEqual({ stable: null, candidate: null });
  expect(own(replica.snapshot().state.datasets, "prices")?.stable?.number).toBe(1);
});

test("several blobs are fetched at a time, and not all", async () => {
  const world = await createWorld();
  const { log, replica, origin } = world;
  await log.publish("prices", new Map(Array.from({ length: 100 }, (_, index) => [`key-${index}`, index])), true, 16);
  let now = 0;
  let most = 0;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const isBlob = typeof input === "string" && input.includes("/blobs/");
    if (isBlob) most = Math.max(most, ++now);
    try {
      return await origin.fetch(input, init);
    } finally {
      if (isBlob) now--;
    }
  };
  const other = world.another({ fetch, id: "app-2" });
  await other.start();
  await settle();
  expect(shownBy(other).stable?.size).toBe(100);
  expect(most).toBe(4);
  await Promise.all([other.close(), replica.close()]);
});
