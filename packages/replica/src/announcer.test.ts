import { createVirtualClock, own } from "@sluice/core";
import { expect, test } from "vitest";
import { createEventRing } from "./event-ring.ts";
import { createLocal, endOf, recordAnnouncements } from "./local.testing.ts";
import { createTestLog, type Items, readAll } from "./log.testing.ts";

const items = (entries: Record<string, number>): Items => new Map(Object.entries(entries));
const newLog = (): ReturnType<typeof createTestLog> => createTestLog({ clock: createVirtualClock() });

test("what stands behind content that is on its way is told once that is here, in order", async () => {
  const log = newLog();
  const local = createLocal();
  const told = recordAnnouncements(local.announcer);
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true), log.create("stock"));
  expect(told).toEqual([1]);
  await local.deliver(log.blobs);
  expect(told).toEqual([1, 2, 3]);
});

test("control events without content pass at once where nothing before them is on its way", async () => {
  const log = newLog();
  const local = createLocal();
  const told = recordAnnouncements(local.announcer);
  local.fold(log.create("prices"), log.create("stock"));
  expect(told).toEqual([1, 2]);
});

test("a position is told as soon as all is prepared there, although a later publish is on its way", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), log.create("stock"));
  const told = recordAnnouncements(local.announcer);
  local.fold(await log.publish("prices", items({ a: 1 }), true, 1), log.patch("prices", items({ b: 2 })));
  const [first] = local.lines.missing();
  local.fold(await log.publish("stock", items({ s: 1 }), true, 1), log.patch("prices", items({ c: 3 })));
  expect(told).toEqual([]);
  await local.blobs.put(first?.name ?? "", await log.blobs.read(first?.name ?? ""));
  local.lines.advance(first?.name);
  local.announcer.advance();
  local.announcer.flush();
  expect(told).toEqual([3, 4]);
  const { datasets } = local.announcer.position();
  expect(readAll(datasets.get("prices")?.stable ?? null)).toEqual(items({ a: 1, b: 2 }));
  expect(readAll(local.lines.current().get("prices")?.stable ?? null)).toEqual(items({ a: 1, b: 2, c: 3 }));
  await local.deliver(log.blobs);
  expect(told).toEqual([3, 4, 5, 6]);
});

test("a version that was superseded on its way holds nothing up", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  const told = recordAnnouncements(local.announcer);
  local.fold(await log.publish("prices", items({ a: 2, x: 2 }), false, 1), log.create("stock"));
  local.fold(await log.publish("prices", items({ a: 3, y: 3 }), false, 1));
  expect(told).toEqual([]);
  // Only the third version is still asked for.
  expect(local.lines.missing().length).toBe(1);
  await local.deliver(log.blobs);
  expect(told).toEqual([3, 4, 5]);
});

test("a revert that stands behind content on its way runs ahead as a mark", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  local.fold(await log.publish("prices", items({ a: 2 }), false), log.release("prices", "r1"));
  await local.deliver(log.blobs);
  const told = recordAnnouncements(local.announcer);
  local.fold(log.create("stock"), await log.publish("stock", items({ s: 1 }), true));
  local.fold(log.append(endOf("release-reverted", "r1")));
  expect(told).toEqual([5, "mark r1"]);
  expect(local.announcer.ahead()).toMatchObject([{ release: "r1" }]);
  expect(own(local.announcer.position().state.releases, "r1")?.phase).toBe("running");
  await local.deliver(log.blobs);
  expect(told).toEqual([5, "mark r1", 6, 7]);
  expect(local.announcer.ahead()).toEqual([]);
});

test("a revert that came with a whole state runs ahead of its content as a mark", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  local.fold(await log.publish("prices", items({ a: 2 }), false), log.release("prices", "r1"));
  await local.deliver(log.blobs);
  log.append(endOf("release-reverted", "r1"));
  await log.publish("prices", items({ b: 3 }), true);
  const told = recordAnnouncements(local.announcer);
  local.lines.reset(log.state(), await log.contents());
  local.announcer.restart("log-1", log.state());
  local.announcer.flush();
  expect(told).toEqual(["mark r1"]);
  await local.deliver(log.blobs);
  expect(told).toEqual(["mark r1", "whole"]);
});

test("a release that is reverted already begins for followers with its mark", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), log.create("stock"), log.create("flags"));
  local.fold(await log.publish("prices", items({ a: 1 }), true), await log.publish("prices", items({ a: 2 }), false));
  await local.deliver(log.blobs);
  const told = recordAnnouncements(local.announcer);
  local.fold(await log.publish("stock", items({ s: 1 }), true), log.release("prices", "r1"));
  local.fold(await log.publish("flags", items({ f: 1 }), true), log.append(endOf("release-reverted", "r1")));
  expect(told).toEqual(["mark r1"]);
  await local.deliver(log.blobs, 1);
  expect(own(local.announcer.position().state.releases, "r1")?.phase).toBe("running");
  expect(told).toEqual(["mark r1", 6, 7]);
  await local.deliver(log.blobs);
  expect(told).toEqual(["mark r1", 6, 7, 8, 9]);
});

test("a revert with nothing on its way is told as the event that it is", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  local.fold(await log.publish("prices", items({ a: 2 }), false), log.release("prices", "r1"));
  await local.deliver(log.blobs);
  const told = recordAnnouncements(local.announcer);
  local.fold(log.append(endOf("release-reverted", "r1")));
  expect(told).toEqual([5]);
});

test("a whole state is told whole, and not before its content is here", async () => {
  const log = newLog();
  log.create("prices");
  await log.publish("prices", items({ a: 1 }), true);
  const local = createLocal();
  const told = recordAnnouncements(local.announcer);
  local.lines.reset(log.state(), await log.contents());
  local.announcer.restart("log-2", log.state());
  local.announcer.flush();
  expect(told).toEqual([]);
  expect(local.announcer.position().log).toBe("log-1");
  await local.deliver(log.blobs);
  expect(told).toEqual(["whole"]);
  expect(local.announcer.position()).toMatchObject({ log: "log-2", state: { sequence: 2 } });
  expect(local.announcer.since(2)).toEqual([]);
  expect(local.announcer.since(1)).toBe(null);
});

test("where too much piles up behind content, the state is told whole instead", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  const told = recordAnnouncements(local.announcer);
  for (let count = 0; count <= 10_000; count++) local.fold(log.append(alert));
  expect(told).toEqual([]);
  await local.deliver(log.blobs);
  expect(told).toEqual(["whole"]);
  expect(local.announcer.position().state).toEqual(log.state());
});

const alert = {
  type: "alert-received",
  name: "a",
  status: "firing",
  labels: {},
  action: "none",
  release: null,
} as const;

test("the contents belong to exactly the position that is told", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  local.fold(log.patch("prices", items({ b: 2 })));
  const asked = local.announcer.contents();
  local.fold(log.patch("prices", items({ c: 3 })));
  const { state, lines } = await asked;
  expect(state.sequence).toBe(3);
  expect(lines["prices"]?.stable).toMatchObject({
    contentHash: own(state.datasets, "prices")?.stable?.contentHash,
    items: 2,
    overlay: { set: [["b", "2"]], remove: [] },
  });
});

test("a ring gives what came after a sequence number, and null for what it never had or has forgotten", () => {
  const log = newLog();
  const ring = createEventRing({ eventsMax: 3, bytesMax: 1_000 });
  ring.clear(0);
  const events = Array.from({ length: 5 }, () => log.append(alert));
  for (const logged of events) ring.push(logged, 10);
  expect(ring.since(5)).toEqual([]);
  expect(ring.since(2)).toEqual(events.slice(2));
  expect(ring.since(1)).toBe(null);
  expect(ring.since(6)).toBe(null);
  ring.clear(9);
  expect(ring.since(9)).toEqual([]);
  expect(ring.since(8)).toBe(null);
});

test("a ring is bounded in bytes as well", () => {
  const log = newLog();
  const ring = createEventRing({ eventsMax: 100, bytesMax: 100 });
  const events = Array.from({ length: 4 }, () => log.append(alert));
  for (const logged of events) ring.push(logged, 40);
  expect(ring.since(2)).toEqual(events.slice(2));
  expect(ring.since(1)).toBe(null);
});
