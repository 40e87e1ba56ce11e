import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoggedEvent, VirtualClock } from "@sluice/core";
import { createVirtualClock } from "@sluice/core";
import type { PatchMinute } from "@sluice/core/api";
import { blobGraceMs, sweepMs } from "@sluice/replica";
import { pass, settle } from "@sluice/replica/testing";
import { pino } from "pino";
import { beforeEach, expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";
import { openEmbeddedStore } from "./store/embedded-store.ts";
import {
  createMemoryDisk,
  createMemoryStore,
  type MemoryDisk,
  type MemoryWrite,
  type WriteFate,
} from "./store/memory-store.ts";

const items = pricedItems(20);
const ok: WriteFate = { durable: true, answer: "ok" };

let clock: VirtualClock;
let disk: MemoryDisk;
let said: { level: number; msg: string }[];

beforeEach(() => {
  clock = createVirtualClock();
  disk = createMemoryDisk();
  said = [];
});

/** The next process on the same disk. */
async function start(
  options: {
    fate?: (write: MemoryWrite) => WriteFate;
    items?: typeof items;
    keepPatchesMs?: number;
    keepVersionsMs?: number;
  } = {},
): Promise<TestOrigin & { crash(): void }> {
  const { fate = () => ok, keepPatchesMs = 60_000, keepVersionsMs = 600_000 } = options;
  const store = createMemoryStore({ id: "log-1", clock, disk, fate });
  const logger = pino(
    { level: "info" },
    { write: (line) => void said.push(JSON.parse(line) as (typeof said)[number]) },
  );
  const origin = await createTestOrigin({
    open: store,
    clock,
    logger,
    retention: { keepPatchesMs, keepVersionsMs },
    ...(options.items === undefined ? {} : { items: options.items }),
  });
  return { ...origin, crash: () => store.crash() };
}

const patch = (origin: TestOrigin, key: string, price: number): Promise<Response> =>
  origin.post("/v1/datasets/prices/patches", { items: [{ key, merge: { price } }] });
/** Publishes, shows it to everybody and ends the bake. */
async function release(origin: TestOrigin, to: typeof items): Promise<void> {
  const { release: id } = await answerOf(origin.publish("prices", to, "?release=true&thousandths=100000"));
  await origin.post(`/v1/releases/${String(id)}/promote`, {});
}
const priceOf = async (origin: TestOrigin, key: string): Promise<unknown> =>
  (await answerOf(origin.request(`/v1/datasets/prices/items/${key}`)))["value"];
const blobsHeld = async (): Promise<number> => (await disk.blobs.list()).length;
const errorsSaid = (): string[] => said.filter(({ level }) => level >= 50).map(({ msg }) => msg);

test("an origin goes on from its checkpoint, and reads nothing of the log before it", async () => {
  const before = await start({ items });
  await pass(clock, 1_000);
  await patch(before, "sku-1", 1);
  await pass(clock, 4_000);
  await patch(before, "sku-2", 2);
  before.crash();
  expect(disk.checkpoints.map(({ sequence }) => sequence)).toEqual([3, 2]);
  disk.events.splice(0, 3, ...disk.events.slice(0, 3).map((event) => ({ ...event, json: "not read" })));

  const after = await start();
  expect(await after.status()).toMatchObject({ sequence: 4, datasets: [{ stable: { number: 3, publish: 1 } }] });
  expect(await priceOf(after, "sku-1")).toMatchObject({ price: 1 });
  expect(await priceOf(after, "sku-2")).toMatchObject({ price: 2 });
  expect(await answerOf(patch(after, "sku-1", 3))).toMatchObject({ status: 200 });
  expect((await after.status()).datasets[0]?.stable?.number).toBe(4);
});

test("an origin that was closed has nothing to fold when it starts again", async () => {
  const before = await start({ items });
  await patch(before, "sku-1", 1);
  await before.origin.close();
  expect(disk.checkpoints[0]?.sequence).toBe(disk.events.length);
});

test("a checkpoint follows a release within a second, and patches every few seconds", async () => {
  const origin = await start({ items });
  await pass(clock, 2_000);
  await origin.publish("prices", pricedItems(20, 90), "?release=true");
  await pass(clock, 1_000);
  expect(disk.checkpoints[0]?.sequence).toBe(disk.events.length);
  let taken = 0;
  let last = disk.checkpoints[0];
  for (let second = 0; second < 30; second++) {
    await patch(origin, "sku-1", 50 + second);
    await pass(clock, 1_000);
    if (disk.checkpoints[0] !== last) taken += 1;
    last = disk.checkpoints[0];
  }
  expect(taken).toBeGreaterThan(6);
  expect(taken).toBeLessThan(12);
});

/** Two checkpoints, with a patch between them. */
async function twoCheckpoints(): Promise<void> {
  const origin = await start({ items });
  for (const price of [1, 2, 3]) {
    await patch(origin, "sku-1", price);
    await pass(clock, 5_000);
  }
  origin.crash();
  expect(disk.checkpoints.map(({ sequence }) => sequence)).toEqual([5, 4]);
}

const damages = [
  { what: "cut off", damage: (text: string) => text.slice(0, -9) },
  { what: "of another format", damage: (text: string) => text.replace('"format":1', '"format":"x"') },
  { what: "of another shape", damage: (text: string) => text.replace('"releases"', '"leases"') },
  { what: "of another event", damage: (text: string) => text.replace('"sequence":5', '"sequence":4') },
];

test.each(damages)("behind a newest checkpoint that is $what stands the older one", async ({ damage }) => {
  await twoCheckpoints();
  const [newest, older] = disk.checkpoints;
  if (newest === undefined || older === undefined) throw new Error("there are two");
  disk.checkpoints = [{ ...newest, text: damage(newest.text) }, older];
  disk.events.splice(0, 4, ...disk.events.slice(0, 4).map((event) => ({ ...event, json: "not read" })));

  const origin = await start();
  expect(await priceOf(origin, "sku-1")).toMatchObject({ price: 3 });
  expect(errorsSaid()).toEqual(["a checkpoint is damaged; the one before is taken, or the log"]);
  // No patch is let go of for its sake, and a sound one takes its place.
  expect(disk.checkpoints).toEqual([older]);
  await pass(clock, 5_000);
  expect(disk.checkpoints.map(({ sequence }) => sequence)).toEqual([5, 4]);
});

test("with both checkpoints damaged a whole log is read", async () => {
  await twoCheckpoints();
  disk.checkpoints = disk.checkpoints.map((checkpoint) => ({ ...checkpoint, text: "{" }));
  const origin = await start();
  expect(await priceOf(origin, "sku-1")).toMatchObject({ price: 3 });
  expect(errorsSaid()).toHaveLength(2);
});

test("with both damaged and patches gone the origin does not start, and says what is missing and what to do", async () => {
  const origin = await start({ items, keepPatchesMs: 0 });
  for (const price of [1, 2, 3]) {
    await patch(origin, "sku-1", price);
    await pass(clock, 5_000);
  }
  await pass(clock, 20_000);
  origin.crash();
  expect(disk.prunedThrough).toBe(4);
  disk.checkpoints = disk.checkpoints.map((checkpoint) => ({ ...checkpoint, text: "{" }));
  await expect(start()).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringMatching(/patches up to event 4 .* checkpoints at events 5 and 4 are damaged.* backup/),
    details: { checkpoints: [5, 4] },
  });
});

test("a newer program's checkpoint is not taken for damage", async () => {
  await twoCheckpoints();
  disk.checkpoints = disk.checkpoints.map((its) => ({ ...its, text: its.text.replace('"format":1', '"format":2') }));
  await expect(start()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("newer") });
  expect(disk.checkpoints).toHaveLength(2);
});

test("old patches go from the log while an origin runs, and what they made stays through a restart", async () => {
  const before = await start({ items });
  for (let index = 0; index < 60; index++) {
    await patch(before, `sku-${index % 20}`, index);
    await pass(clock, 10_000);
    // As long as the line has no newer files than those of its publish, every version of it is made of all patches.
    if (index === 20) expect(disk.prunedThrough).toBe(0);
  }
  expect(disk.prunedThrough).toBeGreaterThan(10);
  expect(disk.prunedThrough).toBeLessThan(58);
  before.crash();
  const after = await start();
  for (let index = 0; index < 20; index++) {
    expect(await priceOf(after, `sku-${index}`)).toMatchObject({ price: 40 + index });
  }
  // The log goes on to say what happened, and what patches did stands in it where the patches stood.
  const audit = (await (await after.request("/v1/log?from=0")).text()).trimEnd().split("\n");
  expect(audit.map((line) => (JSON.parse(line) as LoggedEvent).event.type)).toEqual([
    "dataset-created",
    "version-published",
  ]);
  const minutes = (await (await after.request("/v1/log?shelf=patches&from=0")).text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as PatchMinute);
  expect(minutes.reduce((sum, { patches }) => sum + patches, 0)).toBe(60);
  expect(minutes.reduce((sum, { keysSet }) => sum + keysSet, 0)).toBe(60);
});

/** What an origin does for a quarter of an hour, to be cut off anywhere: what waits for a dead process waits for ever. */
async function story(origin: TestOrigin, isDead: () => boolean): Promise<void> {
  for (let step = 0; step < 90 && !isDead(); step++) {
    const given = step % 6 === 3 ? release(origin, pricedItems(4_000, 1_000 * step)) : patch(origin, "sku-1", step);
    const doing = { ended: false };
    void given.finally(() => {
      doing.ended = true;
    });
    while (!doing.ended && !isDead()) await settle();
    await pass(clock, 10_000);
  }
}

const crashes = (["checkpoint", "prune", "blob"] as const).flatMap((kind) =>
  [1, 4].flatMap((nth) => [true, false].map((durable) => ({ kind, nth, durable }))),
);

test.each(crashes)("a crash at $kind write $nth of the upkeep hurts nothing (durable: $durable)", async (crash) => {
  let writes = 0;
  const fate = (write: MemoryWrite): WriteFate => {
    // Of blobs, when they are removed.
    if (write.kind !== crash.kind || (write.kind === "blob" && !disk.blobs.has(write.name))) return ok;
    writes += 1;
    return writes === crash.nth ? { durable: crash.durable, answer: "crash" } : ok;
  };
  const dying = await start({ items, fate, keepVersionsMs: 0 });
  await story(dying, () => writes >= crash.nth);
  dying.crash();
  expect(writes).toBeGreaterThanOrEqual(crash.nth);
  const left = disk.events.length;

  const after = await start();
  expect(await after.status()).toMatchObject({
    sequence: left,
    datasets: [{ health: { ok: true, reasons: [] } }],
  });
  expect(await answerOf(patch(after, "sku-3", 7))).toMatchObject({ status: 200 });
  const { number } = (await after.status()).datasets[0]?.stable ?? {};
  await pass(clock, 700_000);
  expect((await after.status()).datasets[0]).toMatchObject({ health: { ok: true }, stable: { number } });
  after.crash();
  const again = await start();
  expect(await priceOf(again, "sku-3")).toMatchObject({ price: 7 });
});

test("a full disk takes no checkpoint and lets go of nothing, says so once, and reads and reverts go on", async () => {
  let full = false;
  const fate = (): WriteFate => (full ? { durable: false, answer: "DISK_FULL" } : ok);
  const origin = await start({ items, fate, keepPatchesMs: 0 });
  await patch(origin, "sku-1", 1);
  await pass(clock, 12_000);
  await origin.publish("prices", pricedItems(20, 90), "?release=true");
  full = true;
  await pass(clock, 60_000);
  const texts = errorsSaid();
  expect(texts.filter((text) => text.startsWith("a checkpoint could not be written"))).toHaveLength(1);
  expect(texts.filter((text) => text.startsWith("the log could not be pruned"))).toHaveLength(1);
  expect(await priceOf(origin, "sku-1")).toMatchObject({ price: 1 });
  expect(await answerOf(origin.post("/v1/datasets/prices/revert", { reason: "wrong" }))).toMatchObject({
    receipt: { durable: false },
  });
  full = false;
  await pass(clock, 30_000);
  expect(disk.checkpoints[0]?.sequence).toBe(disk.events.length);
  expect((await origin.status()).datasets[0]).toMatchObject({
    release: null,
    lastRevert: { receipt: { durable: true } },
  });
});

test("the status says how old the last checkpoint is, and what log and blobs take up", async () => {
  const origin = await start({ items });
  expect((await origin.status()).store).toEqual({ checkpoint: null, log: null, blobs: null });
  await patch(origin, "sku-1", 1);
  await pass(clock, 70_000);
  const { checkpoint, log, blobs } = (await origin.status()).store ?? {};
  expect(checkpoint).toMatchObject({ sequence: 3, at: expect.any(Number) });
  expect(log?.patchesBytes).toBeGreaterThan(100);
  expect(log?.bytes).toBeGreaterThan(log?.patchesBytes ?? 0);
  expect(blobs).toMatchObject({ blobs: 1, bytes: disk.blobs.open((await disk.blobs.list())[0] ?? "").bytes });
});

test("versions past their time leave the disk, the last three and whatever is needed stay", async () => {
  const origin = await start({ items });
  for (let index = 0; index < 10; index++) {
    await release(origin, pricedItems(4_000, 10_000 * (index + 1)));
    await pass(clock, 10_000);
  }
  const all = await blobsHeld();
  // 600 s from the publish, and the grace.
  await pass(clock, 400_000);
  expect(await blobsHeld()).toBe(all);
  await pass(clock, 300_000 + blobGraceMs + 2 * sweepMs);
  // A part and a list of changes for each of the newest three.
  expect(await blobsHeld()).toBe(6);
  expect(await priceOf(origin, "sku-1")).toMatchObject({ price: 100_001 });
  origin.crash();
  const after = await start();
  expect(await priceOf(after, "sku-1")).toMatchObject({ price: 100_001 });
  await pass(clock, blobGraceMs + 2 * sweepMs);
  expect(await blobsHeld()).toBe(6);
});

test("in a real directory too: files of versions past their time go, those of the last three stay", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-upkeep-"));
  try {
    const files = (): number =>
      readdirSync(join(directory, "blobs"), { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(String(name)))
        .length;
    const open = await openEmbeddedStore({ directory, clock, newLogId: () => "log-1" });
    const origin = await createTestOrigin({ open, clock, items, retention: { keepVersionsMs: 60_000 } });
    for (let index = 0; index < 6; index++) await release(origin, pricedItems(4_000, 10_000 * (index + 1)));
    expect(files()).toBe(13);
    for (let minute = 0; files() > 6; minute++) {
      if (minute > 60) throw new Error(`${files()} files are left`);
      await pass(clock, sweepMs);
    }
    await pass(clock, 3 * sweepMs);
    expect(files()).toBe(6);
    expect(await priceOf(origin, "sku-1")).toMatchObject({ price: 60_001 });
    await origin.origin.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the list of changes of a reverted line stays for as long as its mark", async () => {
  const origin = await start({ items });
  await origin.publish("prices", pricedItems(20, 5), "?release=true");
  await origin.post("/v1/datasets/prices/revert", { reason: "wrong" });
  for (let index = 0; index < 5; index++) {
    await release(origin, pricedItems(400, 1_000 * (index + 1)));
  }
  const [mark] = (await origin.status()).datasets[0]?.quarantine ?? [];
  await pass(clock, 600_000 + blobGraceMs + 3 * sweepMs);
  const again = await answerOf(origin.publish("prices", { ...pricedItems(400, 9_000), ...pricedItems(20, 5) }));
  expect(again).toMatchObject({ outcome: "held", quarantinedChanges: { publish: mark?.publish, count: 20 } });
});
