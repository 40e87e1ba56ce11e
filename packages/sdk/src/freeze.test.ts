import fc from "fast-check";
import { expect, test } from "vitest";
import { deepFreeze } from "./freeze.ts";

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

test("every JSON value comes back frozen all the way down and otherwise as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const before = structuredClone(value);
      const frozen = deepFreeze(value);
      expect(frozen).toBe(value);
      expect(frozen).toEqual(before);
      expect(isDeeplyFrozen(frozen)).toBe(true);
    }),
  );
});

test("a caller that writes to a frozen value gets a TypeError", () => {
  const price = deepFreeze({ amount: 1, tags: [{ name: "a" }] });
  expect(() => {
    price.amount = 2;
  }).toThrow(TypeError);
  expect(() => price.tags.push({ name: "b" })).toThrow(TypeError);
  expect(() => {
    const [tag] = price.tags;
    if (tag !== undefined) tag.name = "c";
  }).toThrow(TypeError);
});

test("what a schema froze on the surface is frozen beneath it too", () => {
  const value = deepFreeze(Object.freeze({ list: Object.freeze([{ amount: 1 }]) }));
  expect(isDeeplyFrozen(value)).toBe(true);
});

test("a circle ends", () => {
  const open: { self?: object } = {};
  open.self = open;
  expect(Object.isFrozen(deepFreeze(open))).toBe(true);
  const closed: { self?: object } = {};
  closed.self = closed;
  Object.freeze(closed);
  expect(deepFreeze(closed).self).toBe(closed);
});

test("a typed array and a getter are left alone", () => {
  let calls = 0;
  const value = deepFreeze({
    bytes: new Uint8Array([1]),
    get later() {
      calls += 1;
      return {};
    },
  });
  expect(Object.isFrozen(value)).toBe(true);
  expect(value.bytes).toEqual(new Uint8Array([1]));
  expect(calls).toBe(0);
});
