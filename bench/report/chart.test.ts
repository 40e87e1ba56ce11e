import { expect, test } from "vitest";
import { chartSvg } from "./chart.ts";

const bar = (label: string, value: number, ours = false): { label: string; value: number; ours: boolean } => ({
  label,
  value,
  ours,
});

function lengths(svg: string): number[] {
  return [...svg.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
}

test("bars are as long as their values", () => {
  const [short = 0, long = 0] = lengths(
    chartSvg({ name: "n", title: "t", unit: "ms", bars: [bar("a", 1), bar("b", 4)] }),
  );
  expect(long / short).toBeCloseTo(4, 1);
});

test("where one bar would hide the others they grow with the power of ten, and the title says so", () => {
  const svg = chartSvg({ name: "n", title: "t", unit: "µs", bars: [bar("a", 1), bar("b", 10), bar("c", 100)] });
  const [least = 0, middle = 0, most = 0] = lengths(svg);
  expect(least).toBeLessThan(middle);
  expect(most / middle).toBeCloseTo(2, 1);
  expect(svg).toContain("logarithmic");
});

test("labels cannot break the picture, and both colour schemes have colours", () => {
  const svg = chartSvg({ name: "n", title: "a < b & c", unit: "x", bars: [bar('"<', 1, true)] });
  expect(svg).toContain("a &lt; b &amp; c");
  expect(svg).not.toContain('"<"');
  expect(svg).toContain("prefers-color-scheme: dark");
});
