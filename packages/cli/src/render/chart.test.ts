import { expect, test } from "vitest";
import { widthOf } from "../text.ts";
import { type Chart, drawChart } from "./chart.ts";

const lines = [
  { value: 0, label: "1" },
  { value: 4, label: "revert" },
];
const chart = (over: Partial<Chart>): Chart => ({ points: [], lines, marks: [], columns: 30, rows: 4, ...over });

test("a value that rises steadily is drawn from corner to corner, between labelled lines", () => {
  const points = Array.from({ length: 45 }, (_, at) => ({ at, value: (at / 44) * 4.6 }));
  expect(
    drawChart(
      chart({
        points,
        marks: [
          { at: 0, label: "1 %" },
          { at: 22, label: "5 %" },
        ],
      }),
    ),
  ).toEqual([
    "revert ┤┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄⣀⣠⠤⠖⠚",
    "       │           ⢀⣠⠤⠖⠚⠉⠁",
    "       │     ⢀⣀⡤⠴⠒⠋⠉",
    "     1 ┤⣀⡤⠴⠒⠋⠉┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄",
    "       └┬──────────┬──────────",
    "        1 %        5 %",
  ]);
});

test("no line is wider than asked for, and what is off the scale stays at its edge", () => {
  const points = [
    { at: 0, value: -50 },
    { at: 5, value: 700 },
    { at: 10, value: 700 },
  ];
  const drawn = drawChart(chart({ points, marks: [{ at: 10, label: "a long label" }] }));
  expect(drawn.map(widthOf).every((width) => width <= 30)).toBe(true);
  expect(drawn.length).toBe(6);
  expect(drawn[0]?.endsWith("⠉")).toBe(true);
  expect(drawn[3]).toContain("⣀");
  expect(drawn.at(-1)?.endsWith("a long label")).toBe(true);
});

test("a value that jumped is one unbroken stroke", () => {
  const points = [
    { at: 0, value: 0 },
    { at: 10, value: 4 },
  ];
  const last = drawChart(chart({ points }))
    .slice(0, 4)
    .map((line) => line.at(-1));
  expect(last.filter((character) => character === "⢸").length).toBeGreaterThanOrEqual(2);
});

test("nothing is drawn of less than two moments", () => {
  expect(drawChart(chart({}))).toEqual([]);
  expect(drawChart(chart({ points: [{ at: 1, value: 1 }] }))).toEqual([]);
});
