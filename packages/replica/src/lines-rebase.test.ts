import { createVirtualClock, type JsonValue } from "@sluice/core";
import { expect, test } from "vitest";
import { createLocal } from "./local.testing.ts";
import { createTestLog, type Items, readAll } from "./log.testing.ts";

const items = (entries: Record<string, JsonValue>): Items => new Map(Object.entries(entries));

test("a line that is rebased reads on meanwhile, wants the files last, and moves when they are here", async () => {
  const log = createTestLog({ clock: createVirtualClock() });
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1, b: 2 }), true));
  await local.deliver(log.blobs);
  local.fold(log.patch("prices", items({ a: 10 })));
  const flushed = log.lines.current().get("prices")?.stable ?? null;
  local.fold(log.patch("prices", items({ b: 20 })), await log.rebase("prices", "stable", flushed));
  const before = local.lines.current().get("prices")?.stable;
  expect(readAll(before ?? null)).toEqual(items({ a: 10, b: 20 }));
  expect(local.lines.missing().length).toBe(1);
  expect(local.lines.prepared()).toBe(true);

  await local.deliver(log.blobs);
  const after = local.lines.current().get("prices")?.stable ?? null;
  expect(after).not.toBe(before);
  expect(readAll(after)).toEqual(items({ a: 10, b: 20 }));
  expect([...(after?.overlay() ?? [])]).toEqual([["b", "20"]]);
  expect(after?.base.layers.length).toBe(1);
  local.fold(log.patch("prices", items({ a: 100 })));
  expect(readAll(local.lines.current().get("prices")?.stable ?? null)).toEqual(items({ a: 100, b: 20 }));
  expect(local.faults).toEqual([]);
});

test("a base that does not have the content that the line had is refused, and the line reads on", async () => {
  const log = createTestLog({ clock: createVirtualClock() });
  const local = createLocal();
  local.fold(log.create("prices"), await log.publish("prices", items({ a: 1 }), true));
  await local.deliver(log.blobs);
  local.fold(log.patch("prices", items({ a: 10 })));
  const rebased = await log.rebase("prices", "stable");
  if (rebased.event.type !== "rebased") throw new Error("a rebase rebases");
  const { event } = rebased;
  local.fold({ ...rebased, event: { ...event, items: 2 } });
  expect(local.faults).toMatchObject([{ blob: null, error: { code: "CORRUPT" } }]);
  // Of another version than it says, which the line remembers.
  local.fold({ ...rebased, sequence: rebased.sequence + 1, event: { ...event, number: 1 } });
  expect(local.faults.length).toBe(2);
  expect(readAll(local.lines.current().get("prices")?.stable ?? null)).toEqual(items({ a: 10 }));
  expect(local.lines.missing()).toEqual([]);
});

test("a base of a version that was never here is left alone, and a line that waits for its files waits for the newer ones", async () => {
  const log = createTestLog({ clock: createVirtualClock() });
  const published = [log.create("prices"), await log.publish("prices", items({ a: 1, b: 2 }), true)];
  const patched = log.patch("prices", items({ a: 10 }));
  const rebased = await log.rebase("prices", "stable");
  const last = log.patch("prices", items({ b: 20 }));

  const waiting = createLocal();
  waiting.fold(...published, patched, rebased, last);
  const wanted = waiting.lines.missing().map(({ name }) => name);
  expect(wanted.length).toBe(3);
  await waiting.deliver(log.blobs);
  expect(readAll(waiting.lines.current().get("prices")?.stable ?? null)).toEqual(items({ a: 10, b: 20 }));
  expect(waiting.faults).toEqual([]);

  const late = createLocal();
  late.lines.reset(log.state(), await log.contents());
  await late.deliver(log.blobs);
  if (rebased.event.type !== "rebased") throw new Error("a rebase rebases");
  late.lines.fold(log.state(), rebased, log.state());
  expect(late.lines.missing()).toEqual([]);
  expect(late.faults).toEqual([]);
});
