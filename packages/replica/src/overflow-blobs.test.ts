import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SluiceError } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SharedBlobs } from "./blobs.ts";
import { createDirectoryBlobs } from "./directory-blobs.ts";
import { createOverflowBlobs, type OverflowBlobs } from "./overflow-blobs.ts";

const nameOf = (text: string): string => hash("sha256", text);
let directory = "";
let full: "DISK_FULL" | "STORE_UNAVAILABLE" | null;
let disk: SharedBlobs;
let blobs: OverflowBlobs;
const put = (text: string): Promise<void> => blobs.put(nameOf(text), Buffer.from(text));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-overflow-"));
  full = null;
  const real = createDirectoryBlobs(directory, "one");
  disk = {
    ...real,
    async put(name, bytes) {
      if (full !== null) throw new SluiceError(full, "the disk does not take it");
      await real.put(name, bytes);
    },
  };
  blobs = createOverflowBlobs(disk, 10);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test.each(["DISK_FULL", "STORE_UNAVAILABLE"] as const)(
  "what a disk with %s does not take is read from memory as from the disk, and given to it later",
  async (code) => {
    full = code;
    await put("one");
    const name = nameOf("one");
    expect([blobs.has(name), blobs.inMemory(), disk.has(name)]).toEqual([true, 1, false]);
    expect(Buffer.from(await blobs.read(name)).toString()).toBe("one");
    const open = blobs.open(name);
    expect(await blobs.list()).toEqual([name]);
    expect(await blobs.settle(new Set([name]))).toEqual([]);
    full = null;
    expect(await blobs.settle(new Set([name]))).toEqual([name]);
    expect([blobs.inMemory(), disk.has(name)]).toEqual([0, true]);
    expect(Buffer.from(await blobs.read(name)).toString()).toBe("one");
    expect(Buffer.from(open.read(0, 3)).toString()).toBe("one");
  },
);

test("memory takes no more than its limit: beyond it, what the disk said is thrown", async () => {
  full = "DISK_FULL";
  await put("123456");
  await expect(put("12345")).rejects.toMatchObject({ code: "DISK_FULL" });
  expect(blobs.has(nameOf("12345"))).toBe(false);
  await put("1234");
  expect(blobs.inMemory()).toBe(2);
  // What nobody needs any more makes room.
  await blobs.settle(new Set([nameOf("1234")]));
  await put("12345");
  expect(blobs.inMemory()).toBe(2);
});

test("bytes with another name are refused by memory too", async () => {
  full = "DISK_FULL";
  await expect(blobs.put(nameOf("one"), Buffer.from("two"))).rejects.toMatchObject({ code: "CORRUPT" });
  expect(blobs.inMemory()).toBe(0);
});

test("a file that is gone is said to be, one that is in memory is not", async () => {
  await put("one");
  expect(await blobs.touch(nameOf("one"), 1_000)).toBe("touched");
  expect(await blobs.touchedMs(nameOf("one"))).toBe(1_000);
  await blobs.delete(nameOf("one"));
  expect(await blobs.touch(nameOf("one"), 1_000)).toBe("gone");
  expect(await blobs.touchedMs(nameOf("one"))).toBe(null);
  full = "DISK_FULL";
  await put("two");
  expect(await blobs.touch(nameOf("two"), 1_000)).toBe("refused");
});
