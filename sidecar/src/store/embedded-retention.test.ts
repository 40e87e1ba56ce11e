import { readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { LoggedEvent } from "@sluice/core";
import { expect, test } from "vitest";
import { useEmbeddedPlace } from "./embedded-place.testing.ts";
import { openLogFile } from "./log-file.ts";
import { createLogPruning } from "./log-pruning.ts";
import type { Pruning, Store } from "./port.ts";
import { datasetCreated, logged, patched, published, readEvents } from "./sample-events.ts";
import { pruneAll } from "./store-place.testing.ts";

const place = useEmbeddedPlace();
const { open, startWorker } = place;

const everything: Pruning = {
  patchesBefore: Number.MAX_SAFE_INTEGER,
  patchesAfter: Number.MAX_SAFE_INTEGER,
  patchesBytesMax: 0,
  patchAnswersMax: 0,
  lines: { controlSequence: 2, publishes: {} },
  roomBytesMax: 0,
};

function patches(first: number, count: number, valueBytes = 1_000): LoggedEvent[] {
  const value = JSON.stringify("x".repeat(valueBytes));
  const events = Array.from({ length: count }, (_, index) =>
    patched("stock", first + index - 1, `s${first + index}`, undefined, { set: [["sku", value]], remove: [] }),
  );
  return logged(first, ...events);
}

async function fill(store: Store, count: number): Promise<void> {
  await store.log.append({
    expected: 0,
    events: logged(1, datasetCreated("stock"), published("stock", 1, "s", true)),
    answers: [],
  });
  for (let first = 3; first < count + 3; first += 1_000) {
    const events = patches(first, Math.min(1_000, count + 3 - first));
    await store.log.append({ expected: first - 1, events, answers: [] });
  }
}

async function checkpoints(store: Store, ...sequences: readonly number[]): Promise<void> {
  for (const sequence of sequences) {
    await store.log.putCheckpoint({ sequence, at: sequence, text: `state at ${sequence}, marked` });
  }
}

test("the space of patches that have gone goes back to the disk, but for the room that is kept", async () => {
  const store = await open();
  await fill(store, 8_000);
  await checkpoints(store, 8_001, 8_002);
  await pruneAll(store, { ...everything, patchesBefore: 0, patchesBytesMax: 2 ** 40 });
  const full = await store.log.measure();
  expect(full.bytes).toBeGreaterThan(8_000_000);
  expect(await pruneAll(store, { ...everything, roomBytesMax: 2_000_000 })).toMatchObject({ patches: 7_999 });
  const roomy = await store.log.measure();
  expect(statSync(place.file).size).toBeLessThan(2_500_000);
  expect(statSync(place.file).size).toBeGreaterThan(1_900_000);
  expect(roomy.patchesBytes).toBeLessThan(2_000);
  await pruneAll(store, everything);
  expect(statSync(place.file).size).toBeLessThan(200_000);
  await store.close();
  const again = await open();
  expect(await readEvents(again.log, 8_001)).toHaveLength(1);
  expect(await again.log.readCheckpoint(8_002)).toBe("state at 8002, marked");
});

test("one step of pruning takes on little, so that an append waits for little", async () => {
  const store = await open();
  await fill(store, 2_000);
  await checkpoints(store, 2_001, 2_002);
  const step = await store.log.prune(everything);
  expect(step.patches).toBeLessThanOrEqual(256);
  expect(step).toMatchObject({ more: true });
  const large = { events: patches(2_003, 8, 200_000), expected: 2_002, answers: [] };
  await store.log.append(large);
  await pruneAll(store, everything);
  await checkpoints(store, 2_009, 2_010);
  expect((await store.log.prune(everything)).patches).toBeLessThan(8);
});

test("a checkpoint with a flipped bit is not served, and the one before it is", async () => {
  const store = await open();
  await fill(store, 2);
  await checkpoints(store, 3, 4);
  await store.close();
  const bytes = readFileSync(place.file);
  bytes.write("markeD", bytes.indexOf("state at 4, marked") + "state at 4, ".length);
  writeFileSync(place.file, bytes);
  const again = await open();
  expect(await again.log.checkpoints()).toMatchObject([{ sequence: 4 }, { sequence: 3 }]);
  expect(await again.log.readCheckpoint(4)).toBeNull();
  expect(await again.log.readCheckpoint(3)).toBe("state at 3, marked");
  await again.log.dropCheckpoint(4);
  expect(await again.log.checkpoints()).toMatchObject([{ sequence: 3 }]);
  expect(await pruneAll(again, everything)).toMatchObject({ patches: 0 });
});

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  "a thread that dies at any moment of a checkpoint or of pruning leaves a log that goes on (%i)",
  async (turns) => {
    const store = await open({ startWorker });
    await fill(store, 1_500);
    await checkpoints(store, 600, 1_400);
    const text = "y".repeat(1_000_000);
    const writing = store.log.putCheckpoint({ sequence: 1_502, at: 1, text });
    const pruning = pruneAll(store, everything);
    for (let turn = 0; turn < turns * 3; turn++) await store.log.measure().catch(() => undefined);
    await place.workers.at(-1)?.terminate();
    await Promise.allSettled([writing, pruning]);

    const heads = await store.log.checkpoints();
    const texts = await Promise.all(heads.map(({ sequence }) => store.log.readCheckpoint(sequence)));
    expect(heads).toHaveLength(2);
    for (const [index, { sequence, bytes }] of heads.entries()) {
      expect(texts[index]).toBe(sequence === 1_502 ? text : `state at ${sequence}, marked`);
      expect(bytes).toBe(texts[index]?.length);
    }
    const older = heads[1]?.sequence ?? 0;
    expect(await readEvents(store.log, older)).toHaveLength(1_502 - older);
    await store.log.append({ expected: 1_502, events: patches(1_503, 1), answers: [] });
    await checkpoints(store, 1_502, 1_503);
    await pruneAll(store, everything);
    expect(await readEvents(store.log, 1_502)).toHaveLength(1);
  },
);

test("a log without room for a checkpoint keeps the ones it has, and takes appends", async () => {
  const store = await open({ logBytesMax: 1_200_000 });
  await fill(store, 100);
  await checkpoints(store, 50, 60);
  const large = { sequence: 102, at: 1, text: "z".repeat(3_000_000) };
  await expect(store.log.putCheckpoint(large)).rejects.toMatchObject({ code: "DISK_FULL" });
  expect((await store.log.checkpoints()).map(({ sequence }) => sequence)).toEqual([60, 50]);
  // What the interrupted one has left has gone.
  await store.log.putDocument("document", "x".repeat(300_000));
  await checkpoints(store, 101);
  await store.log.append({ expected: 102, events: patches(103, 1), answers: [] });
  expect(await readEvents(store.log, 60)).toHaveLength(43);
});

test("pruning is not synced by itself, and what comes after it is", () => {
  const { database } = openLogFile({
    file: place.file,
    log: { newId: "log-1" },
    wholeCheckBytesMax: null,
    bytesMax: null,
  });
  const synchronous = (): unknown => database.prepare("PRAGMA synchronous").get()?.["synchronous"];
  const pruning = createLogPruning(database);
  pruning.step(everything, 0);
  expect(synchronous()).toBe(2);
  database.exec("DROP TABLE patch_answers");
  expect(() => pruning.step(everything, 0)).toThrow("patch_answers");
  expect(synchronous()).toBe(2);
  expect(database.isTransaction).toBe(false);
  database.close();
});

test.each([1, 2])(
  "a log of format %d, whose events are of another shape, is refused with what to do",
  async (format) => {
    const store = await open();
    await store.close();
    const database = new DatabaseSync(place.file);
    database.exec(`UPDATE meta SET value = '${format}' WHERE name = 'format'`);
    database.close();
    await expect(open()).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("take another directory"),
    });
  },
);
