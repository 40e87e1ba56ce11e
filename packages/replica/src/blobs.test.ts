import { hash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Blobs } from "./blobs.ts";
import { createDirectoryBlobs } from "./directory-blobs.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sluice-blobs-"));
  directories.push(directory);
  return directory;
}

const small = Buffer.from("a small blob");
const large = Buffer.alloc(3_000_000, "a large blob ");
const nameOf = (bytes: Uint8Array): string => hash("sha256", bytes);

const makes: [string, () => Blobs][] = [
  ["memory", createMemoryBlobs],
  ["directory", () => createDirectoryBlobs(newDirectory())],
];

describe.each(makes)("blobs in a %s", (_name, create) => {
  test.each([
    ["small", small],
    ["large", large],
    ["empty", Buffer.alloc(0)],
  ])("a %s blob is read as it was put", async (_size, bytes) => {
    const blobs = create();
    expect(blobs.has(nameOf(bytes))).toBe(false);
    await blobs.put(nameOf(bytes), bytes);
    expect(blobs.has(nameOf(bytes))).toBe(true);
    expect(Buffer.from(await blobs.read(nameOf(bytes))).equals(bytes)).toBe(true);
  });

  test("a blob is read by position, with fewer bytes only at its end", async () => {
    const blobs = create();
    await blobs.put(nameOf(small), small);
    const blob = blobs.open(nameOf(small));
    expect(blob.bytes).toBe(small.byteLength);
    expect(Buffer.from(blob.read(2, 5)).toString()).toBe("small");
    expect(Buffer.from(blob.read(8, 100)).toString()).toBe("blob");
    expect(blob.read(100, 10).byteLength).toBe(0);
    blob.close();
  });

  test("what was read stays as it is when more is read", async () => {
    const blobs = create();
    await blobs.put(nameOf(small), small);
    const blob = blobs.open(nameOf(small));
    const first = blob.read(0, 7);
    blob.read(5, 7);
    expect(Buffer.from(first).toString()).toBe("a small");
    blob.close();
  });

  test.each([
    ["small", small],
    ["large", large],
  ])("%s bytes under another name are refused and not kept", async (_size, bytes) => {
    const blobs = create();
    const name = nameOf(Buffer.from("another"));
    await expect(blobs.put(name, bytes)).rejects.toMatchObject({ code: "CORRUPT", details: { blob: name } });
    expect(blobs.has(name)).toBe(false);
    expect(await blobs.list()).toEqual([]);
  });

  test("a blob that is not there is unknown", async () => {
    const blobs = create();
    expect(() => blobs.open(nameOf(small))).toThrow(expect.objectContaining({ code: "BLOB_UNKNOWN" }));
    await expect(blobs.read(nameOf(small))).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
    await expect(blobs.delete(nameOf(small))).resolves.toBeUndefined();
  });

  test("a name that is a path is no name", async () => {
    const blobs = create();
    for (const name of ["../../etc/passwd", "", "A".repeat(64), `${nameOf(small)}/..`]) {
      expect(blobs.has(name)).toBe(false);
      expect(() => blobs.open(name)).toThrow(expect.objectContaining({ code: "BLOB_UNKNOWN" }));
      await expect(blobs.read(name)).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
    }
  });

  test("a deleted blob is gone, but who has it open reads on", async () => {
    const blobs = create();
    await blobs.put(nameOf(small), small);
    const blob = blobs.open(nameOf(small));
    await blobs.delete(nameOf(small));
    expect(blobs.has(nameOf(small))).toBe(false);
    expect(Buffer.from(blob.read(0, 7)).toString()).toBe("a small");
    blob.close();
  });

  test("the list names every blob", async () => {
    const blobs = create();
    await blobs.put(nameOf(small), small);
    await blobs.put(nameOf(large), large);
    await blobs.put(nameOf(small), small);
    expect([...(await blobs.list())].sort()).toEqual([nameOf(small), nameOf(large)].sort());
  });

  test("two puts of one blob at a time both end well", async () => {
    const blobs = create();
    await Promise.all([blobs.put(nameOf(large), large), blobs.put(nameOf(large), large)]);
    expect(await blobs.list()).toEqual([nameOf(large)]);
  });
});

const pathOf = (directory: string, name: string): string => join(directory, name.slice(0, 2), name);

test("a corrupt file is set aside, said with its name, and never served again", async () => {
  const directory = newDirectory();
  const blobs = createDirectoryBlobs(directory);
  await blobs.put(nameOf(small), small);
  writeFileSync(pathOf(directory, nameOf(small)), "a SMALL blob");
  await expect(blobs.read(nameOf(small))).rejects.toMatchObject({ code: "CORRUPT", details: { blob: nameOf(small) } });
  expect(blobs.has(nameOf(small))).toBe(false);
  expect(await blobs.list()).toEqual([]);
  expect(readFileSync(`${pathOf(directory, nameOf(small))}.corrupt`, "utf8")).toBe("a SMALL blob");
  await blobs.put(nameOf(small), small);
  expect(Buffer.from(await blobs.read(nameOf(small))).equals(small)).toBe(true);
});

test("a file that became shorter while it was open is corrupt", async () => {
  const directory = newDirectory();
  const blobs = createDirectoryBlobs(directory);
  await blobs.put(nameOf(small), small);
  const blob = blobs.open(nameOf(small));
  truncateSync(pathOf(directory, nameOf(small)), 4);
  expect(() => blob.read(0, 12)).toThrow(expect.objectContaining({ code: "CORRUPT" }));
  blob.close();
});

test("what others are writing stays when a directory is opened", async () => {
  const directory = newDirectory();
  createDirectoryBlobs(directory);
  writeFileSync(join(directory, "tmp", `${nameOf(small)}.another.1`), "half");
  const blobs = createDirectoryBlobs(directory);
  expect(readdirSync(join(directory, "tmp"))).toEqual([`${nameOf(small)}.another.1`]);
  expect(await blobs.list()).toEqual([]);
});

test("blobs survive a restart", async () => {
  const directory = newDirectory();
  await createDirectoryBlobs(directory).put(nameOf(small), small);
  expect(Buffer.from(await createDirectoryBlobs(directory).read(nameOf(small))).equals(small)).toBe(true);
});

test("a directory that cannot be made is said so at once", () => {
  const file = join(newDirectory(), "file");
  writeFileSync(file, "");
  expect(() => createDirectoryBlobs(join(file, "blobs"))).toThrow(
    expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
  );
});
