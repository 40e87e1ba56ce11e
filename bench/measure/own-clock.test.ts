import { expect, test } from "vitest";
import { waitedOf } from "./own-clock.ts";

test("what a thread waited is the second of three numbers", () => {
  expect(waitedOf("123456 789 42\n")).toBe(789);
});

test("a schedstat of another shape is refused", () => {
  expect(() => waitedOf("0")).toThrow("three numbers");
});
