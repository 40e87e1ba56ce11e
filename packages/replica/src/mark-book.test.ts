import { createVirtualClock, SluiceError } from "@sluice/core";
import { expect, test } from "vitest";
import { endOf } from "./local.testing.ts";
import { createTestLog, type TestLog } from "./log.testing.ts";
import { createMarkBook, unknownMarksMax } from "./mark-book.ts";
import type { MarkFiles, StoredMark } from "./mark-files.ts";

async function running(): Promise<TestLog> {
  const log = createTestLog({ clock: createVirtualClock() });
  log.create("prices");
  await log.publish("prices", new Map([["a", 1]]), true);
  await log.publish("prices", new Map([["a", 2]]), false);
  log.release("prices", "r1");
  return log;
}

function memoryFiles(): Pick<MarkFiles, "read" | "write"> & { marks: readonly StoredMark[]; failing: boolean } {
  const files = {
    marks: [] as readonly StoredMark[],
    failing: false,
    read: async () => files.marks,
    async write(marks: readonly StoredMark[]) {
      if (files.failing) throw new SluiceError("DISK_FULL", "no room");
      files.marks = marks;
    },
  };
  return files;
}

test("a mark is in force while its release is active, and counts once", async () => {
  const log = await running();
  const book = createMarkBook(null);
  expect(book.add({ release: "r1", at: 1 }, log.state())).toBe(true);
  expect(book.add({ release: "r1", at: 2 }, log.state())).toBe(false);
  expect([...book.inForce(log.state())]).toEqual(["r1"]);
  log.append(endOf("release-reverted", "r1"));
  book.settle(log.state());
  expect(book.marks()).toEqual([]);
  expect(book.inForce(log.state()).size).toBe(0);
});

test("a mark of a release that has ended is ignored", async () => {
  const log = await running();
  log.append(endOf("release-completed", "r1"));
  expect(createMarkBook(null).add({ release: "r1", at: 1 }, log.state())).toBe(false);
});

test("a mark that comes before its release is kept until that begins", async () => {
  const log = await running();
  const book = createMarkBook(null);
  expect(book.add({ release: "r2", at: 1 }, log.state())).toBe(true);
  expect(book.inForce(log.state()).size).toBe(0);
  log.append(endOf("release-reverted", "r1"));
  await log.publish("prices", new Map([["a", 3]]), false);
  log.release("prices", "r2");
  expect([...book.inForce(log.state())]).toEqual(["r2"]);
});

test("marks of unknown releases are bounded, and push out no mark of an active one", async () => {
  const log = await running();
  const book = createMarkBook(null);
  book.add({ release: "r1", at: 0 }, log.state());
  for (let at = 1; at <= unknownMarksMax + 50; at++) book.add({ release: `unknown-${at}`, at }, log.state());
  expect(book.marks().length).toBe(unknownMarksMax + 1);
  expect(book.marks().map(({ release }) => release)).toContain("r1");
  expect(book.marks().map(({ release }) => release)).not.toContain("unknown-1");
});

test("what was synced is there after a restart", async () => {
  const log = await running();
  const files = memoryFiles();
  const book = createMarkBook(files);
  book.add({ release: "r1", at: 7 }, log.state());
  await book.sync();
  const again = createMarkBook(files);
  await again.load();
  expect(again.marks()).toEqual([{ release: "r1", at: 7 }]);
});

test("a revert stays on disk until a position that has it is there", async () => {
  const log = await running();
  const files = memoryFiles();
  const book = createMarkBook(files);
  const { sequence } = log.append(endOf("release-reverted", "r1"));
  book.reverted({ release: "r1", at: 9 }, sequence);
  await book.sync();
  book.written(sequence - 1);
  await book.sync();
  expect(files.marks).toEqual([{ release: "r1", at: 9, sequence }]);
  book.written(sequence);
  await book.sync();
  expect(files.marks).toEqual([]);
});

test("a disk that does not take a mark is asked again by the next sync", async () => {
  const log = await running();
  const files = memoryFiles();
  const book = createMarkBook(files);
  book.add({ release: "r1", at: 7 }, log.state());
  files.failing = true;
  await expect(book.sync()).rejects.toMatchObject({ code: "DISK_FULL" });
  files.failing = false;
  await book.sync();
  expect(files.marks).toEqual([{ release: "r1", at: 7, sequence: null }]);
});
