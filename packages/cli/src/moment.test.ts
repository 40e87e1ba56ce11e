import { expect, test } from "vitest";
import { parseTarget } from "./moment.ts";

test("a version, a time and how long ago are told apart", () => {
  expect(parseTarget("41")).toEqual({ version: 41 });
  expect(parseTarget(" v41 ")).toEqual({ version: 41 });
  expect(parseTarget("10m")).toEqual({ agoMs: 600_000 });
  expect(parseTarget("2h ago")).toEqual({ agoMs: 7_200_000 });
  expect(parseTarget("90 s ago")).toEqual({ agoMs: 90_000 });
  expect(parseTarget("2026-11-11T00:07:00Z")).toEqual({ at: Date.UTC(2026, 10, 11, 0, 7) });
  expect(parseTarget("2026-11-11T00:07:00+08:00")).toEqual({ at: Date.UTC(2026, 10, 10, 16, 7) });
});

test.each(["", "yesterday", "0", "v0", "10 minutes", "2026-11-11", "2026-13-11T00:07:00Z", "-5m", "10x"])(
  "%j is neither of them",
  (text) => {
    expect(() => parseTarget(text)).toThrow(/^expected /);
  },
);
