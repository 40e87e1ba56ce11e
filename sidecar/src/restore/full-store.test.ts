import { createVirtualClock, SluiceError, type VirtualClock } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { beforeEach, expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "../origin.testing.ts";
import { createMemoryDisk, createMemoryStore, type MemoryWrite, type WriteFate } from "../store/memory-store.ts";
import type { Store } from "../store/port.ts";

let clock: VirtualClock;
let origin: TestOrigin;
let release: string;
let fateOf: (write: MemoryWrite) => WriteFate;
let readable: boolean;

const first = pricedItems(20);
const ok: WriteFate = { durable: true, answer: "ok" };
const full: WriteFate = { durable: false, answer: "DISK_FULL" };

const publish = (price: number): ReturnType<typeof answerOf> =>
  answerOf(origin.publish("prices", pricedItems(20, price), "?release=true&thousandths=50000"));
const restore = (mode: "exact" | null): ReturnType<typeof answerOf> =>
  answerOf(origin.post("/v1/datasets/prices/restore", { to: { version: 1 }, mode, reason: "both are wrong" }));
const typesInLog = async (): Promise<readonly string[]> =>
  (await (await origin.request("/v1/log?limit=100")).text())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { event: { type: string } }).event.type);

/** v2 stable and patched, v3 out to half of the people. */
beforeEach(async () => {
  clock = createVirtualClock();
  [fateOf, readable] = [() => ok, true];
  const store = createMemoryStore({ id: "log-1", clock, disk: createMemoryDisk(), fate: (write) => fateOf(write) });
  const readPatches: Store["log"]["readPatches"] = async (query) => {
    if (!readable) throw new SluiceError("STORE_UNAVAILABLE", "the disk is gone");
    return store.log.readPatches(query);
  };
  origin = await createTestOrigin({ clock, items: first, open: { ...store, log: { ...store.log, readPatches } } });
  const before = await publish(7_000);
  for (let twice = 0; twice < 2; twice++) await origin.post(`/v1/releases/${String(before.release)}/promote`, {});
  await origin.post("/v1/datasets/prices/patches", { items: [{ key: "sku-1", merge: { price: 1 } }] });
  release = String((await publish(8_000)).release);
});

test("on a full disk what runs is taken back although no older version can come back, and the answer says both", async () => {
  fateOf = () => full;
  const refused = await restore("exact");
  expect(refused).toMatchObject({
    code: "DISK_FULL",
    detail: expect.stringMatching(
      /^v4 of prices is reverted, everybody is on the version before it; give it again for the older one when there is room: /,
    ),
    details: { reverted: release },
  });
  expect((await origin.status()).datasets[0]).toMatchObject({ stable: { publish: 2 }, release: null });
  fateOf = () => ok;
  clock.advance(500);
  await settle();
  expect((await typesInLog()).at(-1)).toBe("release-reverted");
  expect(await restore("exact")).toMatchObject({ status: 200, release: null, restored: { version: 1 } });
});

test("who has not chosen yet is asked on a full disk too, and nothing is taken back before", async () => {
  fateOf = () => full;
  expect(await restore(null)).toMatchObject({
    code: "CHOICE_NEEDED",
    details: { commands: { revert: "sluice revert prices" } },
  });
  expect((await origin.status()).datasets[0]).toMatchObject({ release: { id: release } });
});

test("where the log cannot even be read, who has not chosen is told how what runs is taken back", async () => {
  readable = false;
  const refused = await restore(null);
  expect(refused).toMatchObject({
    code: "STORE_UNAVAILABLE",
    detail: "the disk is gone; what runs is taken back at once even now by: sluice revert prices",
  });
  expect((await origin.status()).datasets[0]).toMatchObject({ release: { id: release } });
  expect(await restore("exact")).toMatchObject({
    code: "STORE_UNAVAILABLE",
    detail:
      "v4 of prices is reverted, everybody is on the version before it; whether an older one is back sluice status prices says: the disk is gone",
  });
  expect((await origin.status()).datasets[0]).toMatchObject({ release: null });
});

test("a restore whose answer was lost is in the log once, with the revert that came with it", async () => {
  const unsaid: WriteFate = { durable: true, answer: "STORE_UNAVAILABLE" };
  fateOf = ({ kind }) => (kind === "append" ? unsaid : ok);
  expect(await restore("exact")).toMatchObject({ code: "STORE_UNAVAILABLE" });
  fateOf = () => ok;
  clock.advance(500);
  await settle();
  const types = await typesInLog();
  expect(types.filter((type) => type === "release-reverted" || type === "version-restored")).toHaveLength(2);
  expect((await origin.status()).datasets[0]).toMatchObject({ release: null, restored: { version: 1 } });
});

test("where nothing runs a full disk refuses a restore and does nothing", async () => {
  await origin.post("/v1/datasets/prices/revert", {});
  fateOf = () => full;
  expect(await restore("exact")).toMatchObject({ code: "DISK_FULL", detail: "the disk failed, as it was told to" });
});
