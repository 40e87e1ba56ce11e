import { expect, test } from "vitest";
import { sectionOf, tableLines, withSection } from "./markdown.ts";
import { atLeast, atMost, measuredRow, reported, skippedRow, type SuiteResult, type Target } from "./row.ts";

const circumstances = { machine: "2 cores", versions: "Node 24", day: "2026-11-22" };
const order = ["read", "open"];

function result(suite: string, ratio: number): SuiteResult {
  const row = measuredRow({ figure: "a / b", target: atMost(2), samples: [ratio], detail: "1 ms / 2 ms" });
  return { suite, rows: [row], charts: [], notes: ["How it was done."] };
}

function reach(target: Target, value: number, holds = true): boolean | null {
  return measuredRow({ figure: "f", target, samples: [value], detail: "", holds }).reached;
}

test("a figure is the median of its rounds, with the least and the greatest", () => {
  const row = measuredRow({ figure: "f", target: atMost(2), samples: [3, 1, 2], detail: "" });
  expect(row).toMatchObject({ ratio: 2, low: 1, high: 3, target: "≤ 2", reached: true });
});

test("a target from above is missed above it, one from below is missed below it", () => {
  expect([reach(atMost(2), 2), reach(atMost(2), 2.01)]).toEqual([true, false]);
  expect([reach(atLeast(4), 4), reach(atLeast(4), 3.99)]).toEqual([true, false]);
  expect(reach(reported, 99)).toBeNull();
  expect(reach(atMost(2), 1, false)).toBe(false);
});

test("the table says yes, no, or why a figure was not taken", () => {
  const lines = tableLines([
    measuredRow({ figure: "good", target: atMost(2), samples: [1], detail: "" }),
    measuredRow({ figure: "bad", target: atMost(2), samples: [3], detail: "", unit: "ms" }),
    skippedRow("redis", atLeast(25), "no redis-server"),
  ]);
  expect(lines[2]).toMatch(/good .*\| yes /);
  expect(lines[3]).toMatch(/bad .*\| 3 ms .*\| \*\*no\*\* /);
  expect(lines[4]).toMatch(/redis .*≥ 25 .*skipped: no redis-server/);
  expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
});

test("one suite's section is written anew and the others' stay", () => {
  const first = withSection(null, sectionOf(result("open", 1), circumstances), "open", order);
  const both = withSection(first, sectionOf(result("read", 1.5), circumstances), "read", order);
  expect(both.indexOf("## read")).toBeLessThan(both.indexOf("## open"));
  const again = withSection(both, sectionOf(result("read", 9), circumstances), "read", order);
  expect(again).toContain("**no**");
  expect(again.slice(again.indexOf("<!-- begin open -->"))).toBe(both.slice(both.indexOf("<!-- begin open -->")));
  expect(withSection(again, sectionOf(result("read", 9), circumstances), "read", order)).toBe(again);
});
