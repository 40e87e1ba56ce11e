import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, emptyState, type VirtualClock } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Checkpoint } from "./checkpoint.ts";
import { createPosition, type Position } from "./position.ts";
import { createRecordFile, type RecordFile } from "./record-file.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-position-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const path = (): string => join(directory, "position");

interface Process {
  readonly position: Position;
  readonly file: RecordFile;
  readonly clock: VirtualClock;
  /** Where it is in its log. */
  at: { log: string; sequence: number };
  isWriter: boolean;
  reads: number;
  readonly errors: unknown[];
}

function start(log: string, sequence: number): Process {
  const clock = createVirtualClock();
  const real = createRecordFile(path(), "one");
  const errors: unknown[] = [];
  const its = { at: { log, sequence }, isWriter: false, reads: 0, clock, errors };
  const file: RecordFile = {
    ...real,
    read() {
      process.reads++;
      return real.read();
    },
  };
  const capture = (): Checkpoint => ({
    log: process.at.log,
    state: { ...emptyState, sequence: process.at.sequence },
    datasets: null,
    lines: {},
    marks: [],
  });
  const position = createPosition({
    files: { own: file, name: "position", all: () => [file] },
    datasets: null,
    clock,
    capture,
    isWriter: () => process.isWriter,
    onWritten: () => {},
    onError: (error) => void errors.push(error),
  });
  const process: Process = { ...its, position, file };
  return process;
}

async function lead(process: Process): Promise<void> {
  process.isWriter = true;
  await process.position.takeOver();
}

/** What lies on disk once a process has written all that it may. */
async function onDisk(process: Process): Promise<string | null> {
  await process.position.close();
  const checkpoint = await start("", 0).position.load();
  return checkpoint === null ? null : `${checkpoint.log} ${checkpoint.state.sequence}`;
}

test("who is not the writer writes nothing, at its end neither", async () => {
  const reader = start("log", 5);
  reader.position.touch();
  reader.clock.advance(10_000);
  expect(await onDisk(reader)).toBe(null);
});

test("who has become the writer writes what it holds without waiting for a change", async () => {
  const writer = start("log", 5);
  await lead(writer);
  writer.clock.advance(1_000);
  expect(await onDisk(writer)).toBe("log 5");
});

test.each([
  ["older than what another has written", "log", 8, "log 9"],
  ["as old as it", "log", 9, "log 9"],
  ["newer", "log", 10, "log 10"],
  ["of another log", "another", 1, "another 1"],
])("a position %s", async (_what, log, sequence, left) => {
  const before = start("log", 9);
  await lead(before);
  await before.position.close();
  const after = start(log, sequence);
  await lead(after);
  expect(await onDisk(after)).toBe(left);
});

test("a writer that was behind writes once it has caught up", async () => {
  const before = start("log", 9);
  await lead(before);
  await before.position.close();
  const after = start("log", 3);
  await lead(after);
  after.clock.advance(5_000);
  after.at.sequence = 12;
  after.position.touch();
  expect(await onDisk(after)).toBe("log 12");
});

test("what this process has read already is not read again when it becomes the writer", async () => {
  const before = start("log", 9);
  await lead(before);
  await before.position.close();
  const after = start("log", 9);
  await after.position.load();
  await lead(after);
  expect(after.reads).toBe(1);
});

test("what cannot be read is no position: the writer's own takes its place", async () => {
  writeFileSync(path(), "damaged");
  const writer = start("log", 2);
  await lead(writer);
  expect(writer.errors).toMatchObject([{ code: "CORRUPT" }]);
  expect(await onDisk(writer)).toBe("log 2");
});
