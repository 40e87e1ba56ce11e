import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createDelta, type Delta } from "./delta.ts";
import { emptyOverlay, type Overlay, type OverlayValue, REMOVED } from "./overlay.ts";
import { utf8Length } from "./utf8.ts";

const key = fc.oneof(fc.constantFrom("a", "b", "价"), fc.nat(200).map(String));
const deltas = fc.array(fc.array(fc.tuple(key, fc.option(fc.nat(99).map(String)))).map(deltaOf), { maxLength: 40 });

function deltaOf(changes: readonly (readonly [string, string | null])[]): Delta {
  const last = [...new Map(changes)];
  return createDelta(
    last.flatMap(([changed, value]) => (value === null ? [] : [[changed, value] as const])),
    last.flatMap(([changed, value]) => (value === null ? [changed] : [])),
  );
}

function bytesOf([key, value]: readonly [string, OverlayValue]): number {
  return utf8Length(key) + (value === REMOVED ? 0 : utf8Length(value));
}

function expectSame(overlay: Overlay, model: ReadonlyMap<string, OverlayValue>): void {
  const entries = [...overlay.entries()];
  expect(new Map(entries)).toEqual(model);
  expect([overlay.size, entries.length]).toEqual([model.size, model.size]);
  for (const [modelKey, value] of model) expect(overlay.get(modelKey)).toBe(value);
  expect(overlay.bytes).toBe([...model].reduce((bytes, entry) => bytes + bytesOf(entry), 0));
}

test("an overlay answers as a map to which every delta was applied", () => {
  fc.assert(
    fc.property(deltas, (steps) => {
      let overlay = emptyOverlay;
      let number = 0;
      const model = new Map<string, OverlayValue>();
      for (const delta of steps) {
        number++;
        overlay = overlay.with(delta, number);
        for (const [changed, value] of delta.set) model.set(changed, value);
        for (const removed of delta.remove) model.set(removed, REMOVED);
        expectSame(overlay, model);
      }
      expect(overlay.get("never set")).toBeUndefined();
    }),
  );
});

test("an old overlay reads as before, whatever was built on it", () => {
  fc.assert(
    fc.property(deltas, deltas, (before, after) => {
      const old = before.reduce((overlay, delta) => overlay.with(delta, 1), emptyOverlay);
      const snapshot = new Map(old.entries());
      // Two lines that go on from one overlay, as after a release started.
      for (const line of [after, after.toReversed()]) line.reduce((overlay, delta) => overlay.with(delta, 2), old);
      expect(new Map(old.entries())).toEqual(snapshot);
      expectSame(old, snapshot);
    }),
  );
});

test("over a base that has the content of one version lies what came after it, and nothing else", () => {
  fc.assert(
    fc.property(deltas, fc.nat(40), (steps, upTo) => {
      let overlay = emptyOverlay;
      const later = new Map<string, OverlayValue>();
      for (const [index, delta] of steps.entries()) {
        overlay = overlay.with(delta, index + 1);
        for (const [changed, value] of delta.set) {
          if (index >= upTo) later.set(changed, value);
        }
        for (const removed of delta.remove) if (index >= upTo) later.set(removed, REMOVED);
      }
      const before = new Map(overlay.entries());
      expectSame(overlay.after(upTo), later);
      // It goes on as any other, and the one that it came from reads as before.
      const set = createDelta([["a", '"on"']], []);
      expectSame(overlay.after(upTo).with(set, 99), new Map(later).set("a", '"on"'));
      expect(new Map(overlay.entries())).toEqual(before);
    }),
  );
});

test("a removed key keeps hiding the base after any number of merges", () => {
  let overlay = emptyOverlay.with(createDelta([], ["gone"]), 1);
  for (let index = 0; index < 1000; index++) overlay = overlay.with(createDelta([[`k${index}`, "1"]], []), index);
  expect(overlay.get("gone")).toBe(REMOVED);
});

test("ten thousand single changes share their levels instead of copying the whole each time", () => {
  let overlay = emptyOverlay;
  // A map that is copied is filled through `set` too.
  const set = vi.spyOn(Map.prototype, "set");
  for (let index = 0; index < 10_000; index++) overlay = overlay.with({ set: [[`k${index}`, "1"]], remove: [] }, index);
  const copied = set.mock.calls.length;
  set.mockRestore();
  expect(overlay.size).toBe(10_000);
  expect(copied).toBeGreaterThan(10_000);
  // Copying the whole each time would be fifty million.
  expect(copied).toBeLessThan(10_000 * Math.log2(10_000) * 2);
});

test("after ten thousand single changes a lookup asks a few maps, not ten thousand", () => {
  let overlay = emptyOverlay;
  for (let index = 0; index < 10_000; index++) overlay = overlay.with({ set: [[`k${index}`, "1"]], remove: [] }, index);
  const get = vi.spyOn(Map.prototype, "get");
  const found = overlay.get("not there");
  const asked = get.mock.calls.length;
  get.mockRestore();
  expect(found).toBeUndefined();
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThanOrEqual(Math.log2(10_000) + 1);
});

test("the empty overlay says nothing, and a delta without changes makes no new one", () => {
  expect([emptyOverlay.size, emptyOverlay.bytes, emptyOverlay.get("a")]).toEqual([0, 0, undefined]);
  expect(emptyOverlay.with({ set: [], remove: [] }, 1)).toBe(emptyOverlay);
  expect(Object.isFrozen(emptyOverlay)).toBe(true);
});
