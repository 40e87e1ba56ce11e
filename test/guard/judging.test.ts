import { expect, test } from "vitest";
import { isWithin, type Row, shareRow } from "./experiment.ts";
import { jsonOf, summaryText } from "./report.ts";
import { createWindowRule, createZTest } from "./rivals.ts";
import { medianInterval, quantile, shareInterval, tailBelow } from "./statistics.ts";
import type { Fired } from "./watch.ts";
import { withSection } from "./write.ts";

const candidate = (requests: number, failures: number) => ({
  candidateRequests: requests,
  candidateFailures: failures,
  controlRequests: 0,
  controlFailures: 0,
});

test("an exact interval of a share is the one of the tables", () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 5: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const [a, b, c, d] = [shareInterval(81, 263), shareInterval(15, 148), shareInterval(0, 20), shareInterval(1, 29)];
  expect([a.low, a.high].map((end) => end.toFixed(4))).toEqual(["0.2527", "0.3676"]);
  expect([b.low, b.high].map((end) => end.toFixed(4))).toEqual(["0.0578", "0.1617"]);
  expect([c.low, c.high].map((end) => end.toFixed(4))).toEqual(["0.0000", "0.1684"]);
  expect([d.low, d.high].map((end) => end.toFixed(4))).toEqual(["0.0009", "0.1776"]);
  expect(tailBelow(1, 3, 0.5)).toBeCloseTo(0.5, 12);
});

test("a quantile counts what never came as the last", () => {
  expect(quantile([3, Infinity, 1, 2], 0.5)).toBe(2);
  expect(quantile([3, Infinity, 1, 2], 0.95)).toBe(Infinity);
  // Order statistics 2 and 9 of ten: 97.9 %.
  expect(medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toEqual({ low: 2, high: 9 });
});

test("a window rule wants its minimum, looks at its window alone, and forgets what is older", () => {
  const rule = createWindowRule(0.02, 1_000, 50);
  expect(rule.see(candidate(49, 49))).toBe(false);
  expect(rule.see(candidate(1, 0))).toBe(true);
  expect([rule.see(candidate(40, 0)), rule.see(candidate(10, 0))]).toEqual([true, true]);
  // The first tick leaves: 0 of 101.
  expect(rule.see(candidate(50, 0))).toBe(false);
  expect(rule.see(candidate(100, 5))).toBe(true);
});

test("a z-test of two proportions reverts past its z, on the worse side alone", () => {
  const counts = { candidateRequests: 200, candidateFailures: 20, controlRequests: 400, controlFailures: 20 };
  // Pooled 40 of 600; z = (0.1 - 0.05) / sqrt(0.0667 * 0.9333 * (1/200 + 1/400)) = 2.3146.
  expect([2.314, 2.315].map((z) => createZTest(z, 50).see(counts))).toEqual([true, false]);
  expect(createZTest(1, 201).see(counts)).toBe(false);
  expect(createZTest(1, 50).see({ ...counts, candidateFailures: 2 })).toBe(false);
});

const fired: Fired = { requests: 1, failures: 1, ms: 1, early: false };
const rowOf = (reverts: number, runs: number, quick = false, proof: "upper" | "estimate" = "upper"): Row =>
  shareRow({
    section: "s",
    name: "n",
    results: Array.from({ length: runs }, (_, run) => ({ guard: run < reverts ? fired : null, window: fired })),
    quick,
    limit: 0.01,
    proof,
  });

test("a share holds by its upper limit, so that few runs prove nothing", () => {
  expect([rowOf(0, 298).holds, rowOf(0, 299).holds, rowOf(1, 299).holds]).toEqual([false, true, false]);
  expect([rowOf(3, 300, false, "estimate").holds, rowOf(4, 300, false, "estimate").holds]).toEqual([true, false]);
  expect(rowOf(1, 200).points).toEqual({ guard: 0.005, window: 1 });
});

test("a quick row fails where chance would hardly ever give so many", () => {
  expect([rowOf(0, 10, true).holds, rowOf(1, 10, true).holds, rowOf(4, 10, true).holds]).toEqual([true, true, false]);
});

test("costs hold by their median and their 95th percentile, those of few runs unless the interval is past the limit", () => {
  const limits = { median: 10, p95: 30 };
  const costs = { median: 10, p95: 30, low: 9 };
  expect([isWithin(costs, limits, false), isWithin({ ...costs, p95: 31 }, limits, false)]).toEqual([true, false]);
  expect(isWithin({ ...costs, median: 11 }, limits, false)).toBe(false);
  expect([isWithin({ median: 20, p95: Infinity, low: 9 }, limits, true)]).toEqual([true]);
  expect(isWithin({ median: 20, p95: Infinity, low: 11 }, limits, true)).toBe(false);
});

test("the last line counts the rows that have a bound", () => {
  const reported: Row = { ...rowOf(0, 10), holds: null };
  expect(summaryText([rowOf(0, 300), rowOf(300, 300), reported])).toBe("1 of 2 rows hold");
  expect(jsonOf([{ ...reported, value: Infinity }], 7)).toMatchObject({
    seed: 7,
    holds: true,
    rows: [{ value: null }],
  });
});

test("a section of the document is replaced between its marks, and the rest stays", () => {
  const document = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n";
  expect(withSection(document, "x", "new")).toBe("a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nb\n");
  expect(() => withSection(document, "y", "new")).toThrow(RangeError);
});
