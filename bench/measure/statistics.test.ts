import fc from "fast-check";
import { expect, test } from "vitest";
import { median, quantile, ratiosOf } from "./statistics.ts";

test("the median lies in the middle, whatever the order", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test("a quantile is one of the samples, and that share of them is not above it", () => {
  const samples = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
  fc.assert(
    fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const value = quantile(values, share);
      expect(values.some((each) => each === value)).toBe(true);
      expect(values.filter((each) => each <= value).length).toBeGreaterThanOrEqual(Math.floor(share * values.length));
    }),
  );
});

test("nothing has no median and no quantile", () => {
  expect(() => median([])).toThrow(RangeError);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});

test("ratios are taken round by round, of as many rounds on both sides", () => {
  expect(ratiosOf([10, 30], [5, 10])).toEqual([2, 3]);
  expect(() => ratiosOf([1, 2], [1])).toThrow("2 rounds against 1");
});
