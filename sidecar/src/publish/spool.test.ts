import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { murmur3 } from "@sluice/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPace } from "./pace.ts";
import { createFileRange, createMemoryRange, onDisk, type RangeFile } from "./range-file.ts";
import { readRecords } from "./records.ts";
import { createSpool, rangeCount, sliceOf } from "./spool.ts";

const pace = createPace(async () => {}, new AbortController().signal);

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-spool-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

/** Puts items through a spool and reads every slice back. */
async function through(
  makeFile: (range: number) => RangeFile,
  items: ReadonlyMap<string, string>,
  sliceCount: number,
): Promise<{ read: Map<string, string>; misplaced: string[] }> {
  const spool = createSpool(makeFile, pace);
  for (const [key, canonical] of items) await spool.add(key, canonical);
  await spool.seal();
  const read = new Map<string, string>();
  const misplaced: string[] = [];
  for (let index = 0; index < sliceCount; index++) {
    for (const { keyHash, key, canonical } of readRecords(await spool.slice(index, sliceCount))) {
      read.set(key, canonical);
      if (keyHash !== murmur3(key) || sliceOf(keyHash, sliceCount) !== index) misplaced.push(key);
    }
  }
  await spool.close();
  return { read, misplaced };
}

describe.each([
  ["in memory", () => createMemoryRange()],
  ["in files", (range: number) => createFileRange(join(directory, `range-${range}`))],
] as const)("a spool %s", (_, makeFile) => {
  test("gives every item back in the slice of its key's hash", async () => {
    const keys = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
    const maps = fc.array(fc.tuple(keys, fc.json()), { maxLength: 200 }).map((pairs) => new Map(pairs));
    await fc.assert(
      fc.asyncProperty(maps, fc.constantFrom(64, 128, 1024), async (items, sliceCount) => {
        const { read, misplaced } = await through(makeFile, items, sliceCount);
        expect(read).toEqual(items);
        expect(misplaced).toEqual([]);
        for (const name of readdirSync(directory)) rmSync(join(directory, name));
      }),
      { numRuns: 30 },
    );
  });

  test("holds items that are longer than its buffers", async () => {
    const items = new Map(
      Array.from({ length: 300 }, (_, index) => [`key-${index}`, JSON.stringify("x".repeat(index * 400))]),
    );
    const { read } = await through(makeFile, items, rangeCount);
    expect(read).toEqual(items);
  });
});

test("a full disk is told apart from one that fails, and a file that is there already is not written over", async () => {
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  await expect(onDisk(() => Promise.reject(full))).rejects.toMatchObject({ code: "DISK_FULL" });
  const path = join(directory, "range-0");
  const file = createFileRange(path);
  await file.append(Buffer.from("first"));
  await expect(createFileRange(path).append(Buffer.from("second"))).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
  });
  expect((await file.read()).toString()).toBe("first");
  await file.close();
});
