import { expect, test } from "vitest";
import { privateBytesOf } from "./memory.ts";

test("private memory is what is private, clean or dirty, and nothing shared", () => {
  const rollup =
    "Rss:  900 kB\nShared_Clean:  500 kB\nPrivate_Clean:  3 kB\nPrivate_Dirty:  40 kB\nPrivate_Hugetlb:  9 kB\n";
  expect(privateBytesOf(rollup)).toBe(43 * 1_024);
});

test("a rollup of another shape is refused", () => {
  expect(() => privateBytesOf("Rss: 900 kB\n")).toThrow("smaps_rollup");
});
