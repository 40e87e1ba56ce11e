import { expect, test } from "vitest";
import { parseByteSize } from "./byte-size.ts";

test.each([
  ["0", 0],
  ["4096", 4_096],
  ["12B", 12],
  ["500MB", 500_000_000],
  ["1GiB", 1_073_741_824],
  [" 64MiB ", 67_108_864],
  ["3kB", 3_000],
])("%s is a size", (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

test.each(["", "MB", "1.5GB", "-1", "1 GB x", "1gb", "1TBB", "1constructor", "9999999999"])("%j is no size", (text) => {
  expect(() => parseByteSize(text)).toThrow("expected a size such as 500MB or 1GiB");
});
