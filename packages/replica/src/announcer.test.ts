import { type Content, createVirtualClock, type Event, own } from "@sluice/core";
import { expect, test } from "vitest";
import { createEventRing } from "./event-ring.ts";
import { createLocal, endOf, type Local, recordAnnouncements } from "./local.testing.ts";
import { createTestLog, type Items, type Model, readAll, type TestLog } from "./log.testing.ts";
import { createShelf } from "./shelf.ts";

const items = (entries: Record<string, number>): Items => new Map(Object.entries(entries));
const newLog = (): ReturnType<typeof createTestLog> => createTestLog({ clock: createVirtualClock() });

/** What somebody new would read who has every blob. */
function startOf(
  local: Local,
  log: TestLog,
): { readonly sequence: number; readonly models: ReadonlyMap<string, Model> } {
  const { state, lines } = local.announcer.contents();
  const shelf = createShelf({ blobs: log.blobs, clock: createVirtualClock() });
  const read = (content: Content | null): Items | null => (content === null ? null : readAll(shelf.open(content, 1)));
  const models = new Map<string, Model>();
  for (const [dataset, { stable, candidate }] of Object.entries(lines)) {
    models.set(dataset, { stable: read(stable), candidate: read(candidate) });
  }
  return { sequence: state.sequence, models };
}

test("what stands behind content that is on its way is told at once, in order", async () => {
  const log = newLog();
  const local = createLocal();
  const told = recordAnnouncements(local.announcer);
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true), log.create("stock"));
  expect(told).toEqual([1, 2, 3]);
  await local.deliver(log.blobs);
  expect(told).toEqual([1, 2, 3]);
});

test("somebody new starts from the last position at which all was prepared, and is told the rest", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true), log.create("stock"));
  await local.deliver(log.blobs);
  const models = new Map(log.models());
  local.fold(await log.publish("prices", items({ a: 2 }), true), log.patch("prices", items({ b: 2 })));
  expect(startOf(local, log)).toEqual({ sequence: 3, models: new Map([["stock", none], ...models]) });
  expect(local.announcer.since(3)?.map(({ sequence }) => sequence)).toEqual([4, 5]);
  expect(local.announcer.versions().map(({ number }) => number)).toEqual([1]);
  await local.deliver(log.blobs);
  expect(startOf(local, log)).toEqual({ sequence: 5, models: new Map([["stock", none], ...log.models()]) });
  expect(local.announcer.versions().map(({ number }) => number)).toEqual([3]);
});

test("where the events since are not kept, somebody new starts from now, the patches that wait included", async () => {
  const log = newLog();
  const local = createLocal(null, 2);
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  local.fold(log.patch("prices", items({ b: 1 })));
  local.fold(await log.publish("prices", items({ a: 2, c: 2, d: 2 }), false));
  local.fold(log.patch("prices", items({ b: 2, e: 2 })), log.patch("prices", items({ d: 3, e: 3 }), ["c"]));
  expect(local.lines.prepared()).toBe(false);
  expect(startOf(local, log)).toEqual({ sequence: 6, models: new Map(log.models()) });
  expect(local.announcer.versions()).toEqual([]);
});

test("a revert behind content that is on its way is told as the event that it is", async () => {
  const log = newLog();
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  local.fold(await log.publish("prices", items({ a: 2 }), false), log.release("prices", "r1"));
  await local.deliver(log.blobs);
  const told = recordAnnouncements(local.announcer);
  local.fold(log.create("stock"), await log.publish("stock", items({ s: 1 }), true));
  local.fold(log.append(endOf("release-reverted", "r1")));
  expect(told).toEqual([5, 6, 7]);
});

test("a revert that came with a whole state runs ahead of it as a mark", async () => {
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
  expect(told).toEqual(["mark r1", "whole"]);
});

test("a whole state is told whole at once, and somebody new starts from it", async () => {
  const log = newLog();
  log.create("prices");
  await log.publish("prices", items({ a: 1 }), true);
  const local = createLocal();
  const told = recordAnnouncements(local.announcer);
  local.lines.reset(log.state(), await log.contents());
  local.announcer.restart("log-2", log.state());
  local.announcer.flush();
  expect(told).toEqual(["whole"]);
  expect(local.announcer.position()).toMatchObject({ log: "log-2", state: { sequence: 2 } });
  expect(startOf(local, log)).toEqual({ sequence: 2, models: new Map(log.models()) });
  expect(local.announcer.since(2)).toEqual([]);
  expect(local.announcer.since(1)).toBe(null);
});

test("a line that is wrong here is handed to nobody", async () => {
  const log = newLog();
  const local = createLocal(null, 0);
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  const logged = log.patch("prices", items({ b: 1 }));
  const wrong = { contentHash: "0".repeat(64), items: 2, number: 3 };
  local.fold({ ...logged, event: { ...logged.event, stable: wrong } as Event });
  expect(() => local.announcer.contents()).toThrow(expect.objectContaining({ code: "NOT_READY" }));
});

const none: Model = { stable: null, candidate: null };

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
  const { state, lines } = asked;
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
  expect([1, 2, 5, 6].map((sequence) => ring.reaches(sequence))).toEqual([false, true, true, false]);
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
