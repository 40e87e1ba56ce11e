import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { murmur3 } from "@sluice/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareKeys, loadGroup } from "./group.ts";
import { viewOf } from "./records.ts";
import { createSpoolWriter } from "./spool.ts";
import { createMemorySpoolFiles, createSpoolFiles, onDisk, type SpoolFiles } from "./spool-files.ts";
import { keyOf, spanOf, textOf } from "./strata.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-spool-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

interface Placed {
  readonly key: string;
  readonly canonical: string;
  readonly group: number;
}

/** Puts items through a spool, a line each, and reads every group back. */
function through(files: SpoolFiles, items: readonly (readonly [string, string])[], count: number): Placed[] {
  const spool = createSpoolWriter(files);
  for (const [index, [key, canonical]] of items.entries()) {
    const bytes = Buffer.from(key + canonical);
    spool.add(bytes, Buffer.byteLength(key), bytes.length, index + 1);
  }
  expect(spool.seal().items).toBe(items.length);
  files.close();
  const read: Placed[] = [];
  for (let index = 0; index < count; index++) {
    const { bytes, positions, keyHashes } = loadGroup(files, { index, count }).records;
    const view = viewOf(bytes);
    for (const [place, position] of positions.entries()) {
      const item = spanOf(bytes, view, position, keyHashes[place] as number);
      read.push({ key: keyOf(item), canonical: textOf(item), group: index });
    }
  }
  return read;
}

describe.each([
  ["in memory", () => createMemorySpoolFiles()],
  ["in files", () => createSpoolFiles(directory)],
] as const)("a spool %s", (_, makeFiles) => {
  test("gives every item back in the group of its key's hash and in the order of a part", () => {
    const keys = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
    const maps = fc.array(fc.tuple(keys, fc.json()), { maxLength: 200 }).map((pairs) => new Map(pairs));
    fc.assert(
      fc.property(maps, fc.constantFrom(1, 2, 64, 256), (items, count) => {
        const read = through(makeFiles(), [...items], count);
        const sorted = [...items]
          .map(([key, canonical]) => ({ key, canonical, hash: murmur3(key) }))
          .sort((a, b) => a.hash - b.hash || compareKeys(a.key, b.key));
        expect(read).toEqual(
          sorted.map(({ key, canonical, hash }) => ({ key, canonical, group: Math.floor((hash * count) / 2 ** 32) })),
        );
        for (const name of readdirSync(directory)) rmSync(join(directory, name));
      }),
      { numRuns: 30 },
    );
  });

  test("holds items that are longer than its buffers", () => {
    const items = Array.from(
      { length: 300 },
      (_, index) => [`key-${index}`, JSON.stringify("x".repeat(index * 400))] as const,
    );
    const read = through(makeFiles(), items, 4);
    expect(new Map(read.map(({ key, canonical }) => [key, canonical]))).toEqual(new Map(items));
  });
});

test("a key that comes twice is found with its lines, however far apart", () => {
  const files = createMemorySpoolFiles();
  const spool = createSpoolWriter(files);
  const add = (key: string, line: number): void => spool.add(Buffer.from(`${key}1`), key.length, key.length + 1, line);
  for (let line = 1; line <= 1_000; line++) add(`sku-${line}`, line);
  add("sku-700", 2_000);
  add("sku-3", 1_500);
  add("sku-3", 1_400);
  spool.addRefused(Buffer.from("sku-9"), 1_600);
  spool.seal();
  const { repeated } = loadGroup(files, { index: 0, count: 1 });
  expect(repeated).toMatchObject({ total: 4, refusedBefore: 1 });
  expect(repeated.listed.map(({ line, key, reason }) => [line, key, reason])).toEqual([
    [1_400, "sku-3", 'expected each key once, came "sku-3" again after line 3'],
    [1_500, "sku-3", 'expected each key once, came "sku-3" again after line 3'],
    [1_600, "sku-9", 'expected each key once, came "sku-9" again after line 9'],
    [2_000, "sku-700", 'expected each key once, came "sku-700" again after line 700'],
  ]);
});

test("two keys of one hash are two keys, in the order of a part", () => {
  // Among a hundred thousand keys two have one hash, as among 23 people two have one birthday.
  const byHash = new Map<number, string>();
  let pair: [string, string] | undefined;
  for (let index = 0; pair === undefined; index++) {
    const key = `k${index}`;
    const other = byHash.get(murmur3(key));
    if (other !== undefined) pair = [other, key];
    byHash.set(murmur3(key), key);
  }
  const read = through(createMemorySpoolFiles(), [[pair[1], "1"] as const, [pair[0], "2"] as const], 1);
  expect(read.map(({ key }) => key)).toEqual(pair.toSorted(compareKeys));
});

const full = (): never => {
  throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
};

test("a full disk is told apart from one that fails, and a file that is there already is not written over", () => {
  expect(() => onDisk(full)).toThrow(expect.objectContaining({ code: "DISK_FULL" }));
  const files = createSpoolFiles(directory);
  files.append("range-0", Buffer.from("first"));
  expect(() => createSpoolFiles(directory).append("range-0", Buffer.from("second"))).toThrow(
    expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
  );
  expect(files.read(["range-0"]).toString()).toBe("first");
  files.close();
});
