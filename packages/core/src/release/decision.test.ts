import { expect, test } from "vitest";
import { events, percentText, reject, unchanged } from "./decision.ts";

test("a percentage is written as people say it", () => {
  expect([0, 1, 2_007, 5_000, 100_000].map(percentText)).toEqual(["0 %", "0.001 %", "2.007 %", "5 %", "100 %"]);
});

test("what is so already names the release and the version where there are some", () => {
  expect(unchanged("so")).toEqual({ kind: "unchanged", message: "so", release: null, number: null });
  expect(unchanged("so", { release: "r", number: 3 })).toMatchObject({ release: "r", number: 3 });
});

test("a rejection without details has empty ones, and events of one actor are all recorded under it", () => {
  expect(reject("CONFLICT", "no")).toEqual({ kind: "rejected", code: "CONFLICT", message: "no", details: {} });
  const by = { kind: "person", name: "anna" } as const;
  const [first, second] = [
    { type: "release-completed", release: "r" },
    { type: "release-completed", release: "s" },
  ] as const;
  expect(events(by, first, second)).toEqual({
    kind: "events",
    events: [
      { by, event: first },
      { by, event: second },
    ],
  });
});
