import { expect, test } from "vitest";
import { createDraws, hotIndices, keysOf } from "./draws.ts";

const items = 10_000;

test("the same seed draws the same items, another seed others", () => {
  const draws = createDraws(items);
  expect(draws.draw("zipf", 100, 1)).toEqual(createDraws(items).draw("zipf", 100, 1));
  expect(draws.draw("zipf", 100, 1)).not.toEqual(draws.draw("zipf", 100, 2));
});

test("by Zipf's law the most popular item is drawn about as often as 1 / H(n) says, and twice as often as the second", () => {
  const count = 200_000;
  const times = new Map<number, number>();
  for (const index of createDraws(items).draw("zipf", count, 3)) times.set(index, (times.get(index) ?? 0) + 1);
  const [first = 0, second = 0] = [...times.values()].sort((a, b) => b - a);
  const harmonic = Array.from({ length: items }, (_, rank) => 1 / (rank + 1)).reduce((sum, each) => sum + each, 0);
  expect(first / count).toBeCloseTo(1 / harmonic, 2);
  expect(first / second).toBeCloseTo(2, 0);
});

test("uniform draws reach nearly all items, hot ones the hot set alone", () => {
  const draws = createDraws(items);
  expect(new Set(draws.draw("uniform", items * 10, 4)).size).toBeGreaterThan(items * 0.99);
  const hot = new Set(hotIndices(items));
  expect(hot.size).toBe(1_000);
  expect(draws.draw("hot", 10_000, 5).every((index) => hot.has(index))).toBe(true);
});

test("keys are written as the items have them", () => {
  expect(keysOf(Uint32Array.of(7, 999_999))).toEqual(["sku-0000007", "sku-0999999"]);
});
