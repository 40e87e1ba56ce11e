import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endOf } from "./local.testing.ts";
import { createTestLog, type TestLog } from "./log.testing.ts";
import { createMarkFiles, type StoredMark } from "./mark-files.ts";
import { createRecordFile } from "./record-file.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-marks-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const mark = (release: string, sequence: number | null = null): StoredMark => ({ release, at: 7, sequence });

async function running(): Promise<TestLog> {
  const log = createTestLog({ clock: createVirtualClock() });
  log.create("prices");
  await log.publish("prices", new Map([["a", 1]]), true);
  await log.publish("prices", new Map([["a", 2]]), false);
  log.release("prices", "r1");
  return log;
}

test("everybody reads what everybody has written, and nobody writes over another's", async () => {
  const [one, another] = [createMarkFiles(directory, "one"), createMarkFiles(directory, "another")];
  expect(await one.read()).toEqual([]);
  await one.write([mark("r1")]);
  await another.write([mark("r2", 9)]);
  await one.write([mark("r1"), mark("r3")]);
  for (const files of [one, another, createMarkFiles(directory, "third")]) {
    expect((await files.read()).toSorted((a, b) => (a.release < b.release ? -1 : 1))).toEqual([
      mark("r1"),
      mark("r2", 9),
      mark("r3"),
    ]);
  }
  await one.write([]);
  expect(await one.read()).toEqual([mark("r2", 9)]);
  expect(readdirSync(directory).length).toBe(1);
});

test("what is written anew is another file, so that a removal of what was passed cannot meet what has just been confirmed", async () => {
  const files = createMarkFiles(directory, "one");
  await files.write([mark("r1")]);
  const [before] = readdirSync(directory);
  await files.write([mark("r1"), mark("r2")]);
  expect(readdirSync(directory)).not.toContain(before);
});

test("a file goes when a position has passed all of its marks, and not before", async () => {
  const log = await running();
  const files = createMarkFiles(directory, "one");
  await files.write([mark("r1"), mark("r0", 3)]);
  const left = async (marks: readonly { release: string; at: number }[] = []): Promise<number> => {
    await files.passed([{ state: log.state(), marks }]);
    return (await files.read()).length;
  };
  expect(await left()).toBe(2);
  log.append(endOf("release-reverted", "r1"));
  expect(await left()).toBe(0);
});

test("a mark of a release that the log is not known to have is passed by a position that holds it itself", async () => {
  const log = await running();
  const files = createMarkFiles(directory, "one");
  await files.write([mark("r2")]);
  await files.passed([{ state: log.state(), marks: [] }]);
  expect((await files.read()).length).toBe(1);
  await files.passed([{ state: log.state(), marks: [{ release: "r2", at: 7 }] }]);
  expect(await files.read()).toEqual([]);
});

test("a revert at a place in the log is passed by a position from there on", async () => {
  const log = await running();
  const files = createMarkFiles(directory, "one");
  await files.write([mark("r9", log.state().sequence + 1)]);
  await files.passed([{ state: log.state(), marks: [] }]);
  expect((await files.read()).length).toBe(1);
  log.create("stock");
  await files.passed([{ state: log.state(), marks: [] }]);
  expect(await files.read()).toEqual([]);
});

test("a damaged file is refused, and goes after five minutes of positions", async () => {
  const log = await running();
  writeFileSync(join(directory, "marks.somebody.1"), "damaged");
  const files = createMarkFiles(directory, "one");
  await expect(files.read()).rejects.toMatchObject({ code: "CORRUPT" });
  for (let minute = 0; minute < 5; minute++) await files.passed([{ state: log.state(), marks: [] }]);
  expect(readdirSync(directory).length).toBe(1);
  await files.passed([{ state: log.state(), marks: [] }]);
  expect(await files.read()).toEqual([]);
});

test("what an earlier build wrote for its one process is read too", async () => {
  const { createRecordFile } = await import("./record-file.ts");
  await createRecordFile(join(directory, "marks"), "one").write('[{"release":"r1","at":7}]');
  expect(await createMarkFiles(directory, "one").read()).toEqual([mark("r1")]);
});

test.each([["{"], ["null"], ['[{"release":5,"at":7}]'], ['[{"release":"r1"}]'], ["[null]"]])(
  "a sealed file with %s in the place of marks is refused as damaged",
  async (text) => {
    await createRecordFile(join(directory, "marks.other.1"), "other").write(text);
    await expect(createMarkFiles(directory, "own").read()).rejects.toMatchObject({ code: "CORRUPT" });
  },
);
