import { expect, test } from "vitest";
import { createDifference } from "./difference.ts";

test("a difference counts what was added, removed, changed and left", () => {
  const difference = createDifference({ parentItems: 10 });
  difference.add({ key: "new", before: undefined, after: { price: 1 } });
  difference.add({ key: "gone", before: null, after: undefined });
  difference.add({ key: "other", before: 1, after: 2 });
  expect(difference.summary()).toEqual({
    added: 1,
    removed: 1,
    changed: 1,
    unchanged: 8,
    examples: [
      { key: "new", after: { price: 1 } },
      { key: "gone", before: null },
      { key: "other", before: 1, after: 2 },
    ],
  });
});

test("only the first twenty items are examples, and long values are left out of them", () => {
  const difference = createDifference({ parentItems: 100 });
  difference.add({ key: "long", before: "x".repeat(5000), after: 1 });
  for (let index = 0; index < 50; index++) difference.add({ key: `k${index}`, before: 1, after: 2 });
  const { changed, examples } = difference.summary();
  expect([changed, examples.length]).toEqual([51, 20]);
  expect(examples[0]).toEqual({ key: "long", omitted: true });
});

test("differences of the pieces of a version add up to that of the whole, examples in their order", () => {
  const changes = Array.from({ length: 30 }, (_, index) => ({
    key: `k${index}`,
    before: index % 2 || undefined,
    after: 2,
  }));
  const whole = createDifference({ parentItems: 100 });
  const sum = createDifference({ parentItems: 100 });
  for (const piece of [changes.slice(0, 13), changes.slice(13)]) {
    const part = createDifference({ parentItems: 0 });
    for (const change of piece) {
      whole.add(change);
      part.add(change);
    }
    sum.merge(part.summary());
  }
  whole.count("removed", 3);
  sum.count("removed", 3);
  expect(sum.summary()).toEqual(whole.summary());
  expect(sum.wantsExample()).toBe(false);
});
