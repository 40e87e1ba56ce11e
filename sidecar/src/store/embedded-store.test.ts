import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { useEmbeddedPlace } from "./embedded-place.testing.ts";
import { openEmbeddedStore } from "./embedded-store.ts";
import { formatVersion } from "./log-tables.ts";
import { describePlaces } from "./places-contract.ts";
import { describeRetention } from "./retention-contract.ts";
import { datasetCreated, logged, patched, published, readEvents } from "./sample-events.ts";
import { describeStore } from "./store-contract.ts";
import type { CreatePlace } from "./store-place.testing.ts";

const createPlace: CreatePlace = async (clock) => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-store-"));
  return {
    open: () => openEmbeddedStore({ directory: join(directory, "made/on/the/way"), clock, newLogId: () => "log-1" }),
    remove: async () => rmSync(directory, { recursive: true }),
  };
};

describeStore("embedded", createPlace);
describeRetention("embedded", createPlace);
describePlaces("embedded", createPlace);

const place = useEmbeddedPlace();
const { open, startWorker } = place;

/** A closed store with three events: a dataset, a publish, a patch that sets `marked` in its delta. */
async function fill(): Promise<void> {
  const store = await open();
  const delta = { set: [["sku", "marked"]] as const, remove: [] };
  const events = logged(1, datasetCreated("a"), published("a", 1, "a1", true), patched("a", 2, "a2", undefined, delta));
  await store.log.append({ expected: 0, events, answers: [] });
  await store.close();
}

const next = { expected: 0, events: logged(1, datasetCreated("a")), answers: [] };

test("a log that is gone from beside its blobs is not begun anew, as if nothing had ever been published", async () => {
  const bytes = Buffer.from("a part");
  const store = await open();
  await store.blobs.put(createHash("sha256").update(bytes).digest("hex"), bytes);
  await store.close();
  rmSync(place.file);
  await expect(open()).rejects.toMatchObject({
    code: "CORRUPT",
    message: `${place.directory} has versions and ${place.file} is gone; put a backup in its place, or take another directory`,
  });
  rmSync(join(place.directory, "blobs"), { recursive: true });
  await open();
});

test("a directory that cannot be made is said with its name", async () => {
  writeFileSync(place.file, "");
  await expect(open({ directory: join(place.file, "data") })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining(`cannot use ${join(place.file, "data")}: ENOTDIR`) as string,
  });
});

test("a second store is told who holds the directory, and gets it when the first has closed", async () => {
  const first = await open();
  await expect(open()).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining(`process ${process.pid} on ${hostname()} holds ${place.directory}`),
    details: { pid: process.pid, host: hostname() },
  });
  await first.log.append(next);
  await first.close();
  const second = await open();
  expect(await readEvents(second.log)).toHaveLength(1);
});

test("a directory whose store did not open is free", async () => {
  writeFileSync(place.file, "no log");
  await expect(open()).rejects.toMatchObject({ code: "CORRUPT" });
  rmSync(place.file);
  await open();
});

test("a log of a newer format is refused, with both formats named", async () => {
  await fill();
  change(`UPDATE meta SET value = '${formatVersion + 1}' WHERE name = 'format'`);
  await expect(open()).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining(`format ${formatVersion + 1}`),
    details: { format: formatVersion + 1, formatMax: formatVersion },
  });
});

function change(sql: string): void {
  const database = new DatabaseSync(place.file);
  database.exec(sql);
  database.close();
}

const damages: { what: string; damage: () => void }[] = [
  { what: "that is no database", damage: () => writeFileSync(place.file, "a price list, by mistake".repeat(500)) },
  { what: "of zero length", damage: () => truncateSync(place.file, 0) },
  { what: "cut off in the middle", damage: () => truncateSync(place.file, 3 * 4096) },
  { what: "with a page of noise", damage: () => writeFileSync(place.file, noisy(readFileSync(place.file))) },
  { what: "of something else", damage: () => writeFileSync(place.file, otherDatabase()) },
  { what: "without the id of its log", damage: () => change("DELETE FROM meta WHERE name = 'log'") },
];

test.each(damages)("a log $what is noticed at open and named", async ({ damage }) => {
  await fill();
  damage();
  await expect(open()).rejects.toMatchObject({ code: "CORRUPT", message: expect.stringContaining(place.file) });
});

function noisy(bytes: Buffer): Buffer {
  return bytes.fill(0xa5, 2 * 4096, 3 * 4096);
}

function otherDatabase(): Buffer {
  const other = join(place.directory, "other.sqlite");
  const database = new DatabaseSync(other);
  database.exec("CREATE TABLE cats (name TEXT)");
  database.close();
  return readFileSync(other);
}

test("a log that is gone while its write-ahead log is there is not made anew", async () => {
  await fill();
  renameSync(place.file, `${place.file}-wal`);
  await expect(open()).rejects.toMatchObject({ code: "CORRUPT", message: expect.stringContaining("write-ahead log") });
});

test("a log whose making was interrupted is made again", async () => {
  writeFileSync(`${place.file}.new`, "half a dat");
  const store = await open();
  await store.log.append(next);
  expect(readdirSync(place.directory)).not.toContain("log.sqlite.new");
});

test("an event with a flipped bit is not served, and the events before it are", async () => {
  await fill();
  const bytes = readFileSync(place.file);
  bytes.write("markeD", bytes.indexOf('"marked"') + 1);
  writeFileSync(place.file, bytes);
  const store = await open();
  expect(await readEvents(store.log, 0, 2)).toHaveLength(2);
  await expect(readEvents(store.log)).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringMatching(/log\.sqlite is corrupt \(event 3 /),
  });
});

test("a missing event is noticed by whoever reads over it", async () => {
  await fill();
  change("DELETE FROM events WHERE sequence = 2");
  const store = await open();
  await expect(readEvents(store.log)).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringContaining("event 2 is missing"),
  });
});

test("a log without room says so, keeps reading, takes what still fits, and goes on when there is room", async () => {
  const store = await open({ logBytesMax: 400 * 1024 });
  await store.log.putDocument("large", "x".repeat(200 * 1024));
  await store.log.append({
    expected: 0,
    events: logged(1, datasetCreated("a"), published("a", 1, "a1", true)),
    answers: [],
  });
  const delta = { set: [["sku", "x".repeat(180 * 1024)]] as const, remove: [] };
  const large = { expected: 2, events: logged(3, patched("a", 2, "a2", undefined, delta)), answers: [] };
  const small = { expected: 2, events: logged(3, datasetCreated("b")), answers: [] };

  const together = await Promise.allSettled([store.log.append(large), store.log.append(small)]);
  expect(together).toMatchObject([{ status: "rejected", reason: { code: "DISK_FULL" } }, { status: "fulfilled" }]);
  expect(await readEvents(store.log)).toHaveLength(3);

  const again = { expected: 3, events: logged(4, patched("a", 2, "a2", undefined, delta)), answers: [] };
  await expect(store.log.append(again)).rejects.toMatchObject({ code: "DISK_FULL" });
  await store.log.deleteDocument("large");
  await store.log.append(again);
  expect(await readEvents(store.log)).toHaveLength(4);
});

test("what waits for a disk that is behind has a limit", async () => {
  const store = await open();
  const half = "x".repeat(40 * 1024 * 1024);
  const writes = await Promise.allSettled([
    store.log.putDocument("one", half),
    store.log.putDocument("two", half),
    store.log.putDocument("three", "small"),
  ]);
  expect(writes).toMatchObject([
    { status: "fulfilled" },
    { status: "rejected", reason: { code: "STORE_UNAVAILABLE", message: expect.stringContaining("behind") } },
    { status: "fulfilled" },
  ]);
  await store.log.putDocument("two", half);
});

test("when the thread of the log dies, what waits is told, and the next call starts it again", async () => {
  const errors: string[] = [];
  const logger = {
    info: () => {},
    warn: () => {},
    error: (_details: unknown, text?: string) => void errors.push(text ?? ""),
  };
  const store = await open({ startWorker, logger });
  await store.log.append(next);

  const reading = readEvents(store.log);
  const appending = store.log.append({ expected: 1, events: logged(2, datasetCreated("b")), answers: [] });
  const ended = place.workers[0]?.terminate();
  const told = await Promise.allSettled([reading, appending]);
  await ended;
  for (const result of told) {
    if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "STORE_UNAVAILABLE" });
  }
  expect(told.some(({ status }) => status === "rejected")).toBe(true);

  const left = await readEvents(store.log);
  expect(place.workers).toHaveLength(2);
  expect(errors).toHaveLength(1);
  // The append in flight is there whole or not at all; the log goes on from either.
  const last = left.length;
  expect([1, 2]).toContain(last);
  await store.log.append({ expected: last, events: logged(last + 1, datasetCreated("c")), answers: [] });
  expect(await readEvents(store.log)).toHaveLength(last + 1);
});

test("a thread that cannot start again leaves calls refused, and a later one starts it", async () => {
  let refuse = false;
  const start = (): Worker => {
    if (refuse) throw new Error("no more threads");
    return startWorker();
  };
  const store = await open({ startWorker: start });
  refuse = true;
  await place.workers[0]?.terminate();
  await expect(store.log.append(next)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await expect(readEvents(store.log)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  refuse = false;
  await store.log.append(next);
  expect(await readEvents(store.log)).toHaveLength(1);
});

test("a log that is gone when the thread starts again is not made anew, and is used when it is back", async () => {
  const store = await open({ startWorker });
  await store.log.append(next);
  await place.workers[0]?.terminate();
  renameSync(place.file, `${place.file}.away`);
  await expect(readEvents(store.log)).rejects.toMatchObject({ message: expect.stringContaining("gone") });
  renameSync(`${place.file}.away`, place.file);
  expect(await readEvents(store.log)).toHaveLength(1);
});

test("a directory that cannot be used is refused by name", async () => {
  const blocked = join(place.directory, "blocked");
  writeFileSync(blocked, "a file");
  await expect(open({ directory: blocked })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining(blocked),
  });
});

test("an open store leaves no shared-memory file, which a full disk would turn into a crash", async () => {
  const store = await open();
  await store.log.append(next);
  expect(readdirSync(place.directory).sort()).toEqual(["blobs", "lock", "log.sqlite", "log.sqlite-wal", "owner.json"]);
});
