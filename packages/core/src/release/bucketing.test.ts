import { expect, test } from "vitest";
import { armOf, bucketOf } from "./bucketing.ts";

test("a bucket is a candidate below the percentage, and at it no more", () => {
  expect([4_999, 5_000, 5_001].map((bucket) => armOf(bucket, 5_000))).toEqual(["candidate", "control", "control"]);
  expect([armOf(0, 0), armOf(99_999, 99_999), armOf(99_999, 100_000)]).toEqual(["control", "control", "candidate"]);
});

test("the salt decides as much as the key does", () => {
  expect(bucketOf("a", "user-1")).not.toBe(bucketOf("b", "user-1"));
  expect(bucketOf("a", "user-1")).not.toBe(bucketOf("a", "user-2"));
});
