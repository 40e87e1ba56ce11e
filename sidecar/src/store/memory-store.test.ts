import { expect, test } from "vitest";
import { createMemoryDisk, createMemoryStore, type WriteFate } from "./memory-store.ts";
import { describePlaces } from "./places-contract.ts";
import { describeRetention } from "./retention-contract.ts";
import { datasetCreated, hashOf, logged, patched, published, readEvents } from "./sample-events.ts";
import { describeStore } from "./store-contract.ts";
import type { CreatePlace } from "./store-place.testing.ts";

const createPlace: CreatePlace = async (clock) => {
  const disk = createMemoryDisk();
  return {
    open: async () => createMemoryStore({ id: "log-1", disk, clock }),
    remove: async () => {},
  };
};

describeStore("memory", createPlace);
describeRetention("memory", createPlace);
describePlaces("memory", createPlace);

const first = { expected: 0, events: logged(1, datasetCreated("a"), published("a", 1, "a1", true)), answers: [] };

/** What became of a promise by the time that everything else has come to rest. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  let settled = "pending";
  promise.then(
    () => (settled = "ok"),
    (error: { code: string }) => (settled = error.code),
  );
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  return settled;
}

const fates: { fate: WriteFate; heard: string; kept: number }[] = [
  { fate: { durable: true, answer: "ok" }, heard: "ok", kept: 2 },
  { fate: { durable: true, answer: "crash" }, heard: "pending", kept: 2 },
  { fate: { durable: false, answer: "crash" }, heard: "pending", kept: 0 },
  { fate: { durable: true, answer: "STORE_UNAVAILABLE" }, heard: "STORE_UNAVAILABLE", kept: 2 },
  { fate: { durable: false, answer: "DISK_FULL" }, heard: "DISK_FULL", kept: 0 },
];

test.each(fates)(
  "an append with the fate $fate.answer, durable $fate.durable, is there whole or not at all",
  async (each) => {
    const disk = createMemoryDisk();
    const store = createMemoryStore({ id: "log-1", disk, fate: () => each.fate });
    expect(await outcome(store.log.append(first))).toBe(each.heard);
    const next = createMemoryStore({ id: "log-2", disk });
    expect(next.log.id).toBe("log-1");
    expect(await readEvents(next.log)).toEqual(first.events.slice(0, each.kept));
    expect(await next.log.linesWithContent("a", hashOf("a1"))).toEqual(each.kept === 0 ? [] : [1]);
  },
);

test("after a crash nothing of the dead process reaches the disk, and none of its calls ends", async () => {
  const disk = createMemoryDisk();
  const waits = Promise.withResolvers<WriteFate>();
  const store = createMemoryStore({ id: "log-1", disk, fate: () => waits.promise });
  const flying = outcome(store.log.append(first));
  store.crash();
  waits.resolve({ durable: true, answer: "ok" });
  expect(await flying).toBe("pending");
  const document = outcome(store.log.putDocument("cursor", "1"));
  expect(await document).toBe("pending");
  expect(await outcome(store.log.remembered("k"))).toBe("pending");
  const next = createMemoryStore({ id: "log-1", disk });
  expect(await readEvents(next.log)).toEqual([]);
  expect(await next.log.getDocument("cursor")).toBeUndefined();
});

test("a store works on after a disk that was full for a while", async () => {
  const fate: WriteFate[] = [{ durable: false, answer: "DISK_FULL" }];
  const store = createMemoryStore({ id: "log-1", fate: () => fate.pop() ?? { durable: true, answer: "ok" } });
  await expect(store.log.append(first)).rejects.toMatchObject({ code: "DISK_FULL" });
  await store.log.append(first);
  await store.log.append({ expected: 2, events: logged(3, patched("a", 2, "a2")), answers: [] });
  expect(await readEvents(store.log)).toHaveLength(3);
});
