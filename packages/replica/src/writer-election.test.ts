import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { createVirtualClock, type VirtualClock } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { settle, until } from "./turns.testing.ts";
import { createWriterElection, electionMs, type WriterElection } from "./writer-election.ts";
import { takeWriterLock } from "./writer-lock.ts";

let directory = "";
let clock: VirtualClock;
const elections: WriterElection[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-election-"));
  clock = createVirtualClock();
});
afterEach(() => {
  for (const election of elections.splice(0)) election.close();
  rmSync(directory, { recursive: true, force: true });
});

function onError(error: unknown): never {
  throw error;
}

function elect(): WriterElection & { readonly elected: () => number } {
  let elected = 0;
  const election = createWriterElection({
    directory,
    lockName: "writer.lock",
    clock,
    random: () => 0.5,
    onElected: () => {
      elected++;
    },
    onError,
  });
  elections.push(election);
  return { ...election, elected: () => elected };
}

const lockFile = (): string => join(directory, "writer.lock");

test("one of two is the writer, and the other within seconds of its end", async () => {
  const [one, another] = [elect(), elect()];
  one.start();
  await until(() => one.isWriter());
  another.start();
  await settle();
  expect([one.isWriter(), another.isWriter()]).toEqual([true, false]);
  clock.advance(electionMs);
  await settle();
  expect([one.isWriter(), another.isWriter()]).toEqual([true, false]);
  one.close();
  expect(one.isWriter()).toBe(false);
  clock.advance(electionMs);
  await until(() => another.isWriter());
  expect([one.elected(), another.elected()]).toEqual([1, 1]);
});

test("in an origin's directory nobody is, from the moment in which its log is there", async () => {
  const one = elect();
  one.start();
  await until(() => one.isWriter());
  writeFileSync(join(directory, "log.sqlite"), "");
  expect(one.confirm()).toBe(false);
  expect(one.isWriter()).toBe(false);
  const another = elect();
  another.start();
  clock.advance(electionMs);
  await settle();
  expect([one.isWriter(), another.isWriter()]).toEqual([false, false]);
});

test("who holds a lock file that was taken away steps back, and asks for the one that is there now", async () => {
  const [one, another] = [elect(), elect()];
  one.start();
  await until(() => one.isWriter());
  rmSync(lockFile());
  another.start();
  await until(() => another.isWriter());
  expect(one.confirm()).toBe(false);
  clock.advance(electionMs);
  await settle();
  expect([one.isWriter(), another.isWriter()]).toEqual([false, true]);
});

test("a directory that cannot be written to has no writer, and is asked again", async () => {
  const gone = join(directory, "gone");
  const election = createWriterElection({
    directory: gone,
    lockName: "writer.lock",
    clock,
    random: () => 0.5,
    onElected: () => {},
    onError,
  });
  elections.push(election);
  election.start();
  await settle();
  expect(election.isWriter()).toBe(false);
  expect(clock.nextInMs()).toBe(electionMs);
});

test("a closed election holds nothing and asks no more", async () => {
  const one = elect();
  one.start();
  one.close();
  await settle();
  expect([one.isWriter(), clock.nextInMs()]).toEqual([false, undefined]);
  const lock = await takeWriterLock(lockFile());
  expect(lock).not.toBe(null);
  lock?.release();
});

const holder = `
  const { DatabaseSync } = require("node:sqlite");
  const database = new DatabaseSync(FILE);
  database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
`;

test("the lock of a process that was killed with -9 is free", async () => {
  const code = `${holder.replace("FILE", JSON.stringify(lockFile()))} console.log("held"); setInterval(() => {}, 1000);`;
  const child: ChildProcess = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    if (child.stdout === null) throw new Error("a child without standard output");
    await once(child.stdout, "data");
    expect(await takeWriterLock(lockFile())).toBe(null);
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  const lock = await takeWriterLock(lockFile());
  expect(lock?.isHeld()).toBe(true);
  lock?.release();
});

test("a worker thread locks as a process does, and its lock is free once it is terminated", async () => {
  const code = `${holder.replace("FILE", JSON.stringify(lockFile()))} require("node:worker_threads").parentPort.postMessage("held"); setInterval(() => {}, 1000);`;
  const worker = new Worker(code, { eval: true, execArgv: [] });
  try {
    await once(worker, "message");
    expect(await takeWriterLock(lockFile())).toBe(null);
  } finally {
    await worker.terminate();
  }
  const lock = await takeWriterLock(lockFile());
  expect(lock?.isHeld()).toBe(true);
  lock?.release();
});
