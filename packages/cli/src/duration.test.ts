import { expect, test } from "vitest";
import { durationText, parseDuration } from "./duration.ts";

test("a duration is a number and a unit", () => {
  expect(["250ms", "30s", "10m", "1h", "2d", " 5s "].map(parseDuration)).toEqual([
    250, 30_000, 600_000, 3_600_000, 172_800_000, 5_000,
  ]);
});

test("a duration without a unit is refused", () => {
  for (const text of ["30", "", "s", "1.5h", "-1s", "1 h"])
    expect(() => parseDuration(text)).toThrowError(/expected a duration/);
});

test("a duration reads in the unit that fits it", () => {
  const durations = [
    0, 380, 999, 1_000, 4_200, 10_400, 59_999, 90_000, 599_000, 600_000, 3_599_000, 5_400_000, 90_000_000, 400_000_000,
  ];
  expect(durations.map(durationText)).toEqual([
    "0 ms",
    "380 ms",
    "999 ms",
    "1 s",
    "4.2 s",
    "10 s",
    "1 min",
    "1 min 30 s",
    "9 min 59 s",
    "10 min",
    "59 min",
    "1 h 30 min",
    "25 h",
    "4 d",
  ]);
});

test("a clock that went back shows no negative age", () => {
  expect(durationText(-5_000)).toBe("0 ms");
});
