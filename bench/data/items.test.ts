import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keyOf, linesOf, parseLine, priceOf, writeNdjson } from "./items.ts";

const directory = mkdtempSync(join(tmpdir(), "sluice-bench-items-"));
const path = join(directory, "items.ndjson");
afterAll(() => rmSync(directory, { recursive: true }));

test("what is written is read again, across the chunks of both, with about 150 bytes an item", () => {
  const count = 20_000;
  writeNdjson(path, count, 0);
  let index = 0;
  let bytes = 0;
  for (const line of linesOf(path)) {
    const { key, value } = parseLine(line);
    expect(key).toBe(keyOf(index));
    expect(value).toEqual(priceOf(index, 0));
    bytes += key.length + JSON.stringify(value).length;
    index++;
  }
  expect(index).toBe(count);
  expect(bytes / count).toBeGreaterThan(120);
  expect(bytes / count).toBeLessThan(180);
});

test("lines longer than a chunk, empty ones and a last one without an end are lines", () => {
  const long = "x".repeat(3_000_000);
  writeFileSync(path, `${long}\n\nlast`);
  expect([...linesOf(path)].map((line) => line.length)).toEqual([long.length, 0, 4]);
});

test("an edition changes about one item in a hundred, each edition others", () => {
  const count = 50_000;
  const changedBy = (edition: number): number[] =>
    Array.from({ length: count }, (_, index) => index).filter(
      (index) => priceOf(index, edition).price !== priceOf(index, 0).price,
    );
  const [first, second] = [changedBy(1), changedBy(2)];
  expect(first.length / count).toBeCloseTo(0.01, 2);
  expect(first.length).toBeGreaterThan(count * 0.008);
  expect(first.filter((index) => second.includes(index)).length).toBeLessThan(first.length * 0.1);
});
