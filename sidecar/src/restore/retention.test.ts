import type { VirtualClock } from "@sluice/core";
import { createVirtualClock } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { beforeEach, expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "../origin.testing.ts";
import { createMemoryDisk, createMemoryStore, type MemoryDisk } from "../store/memory-store.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** For which versions are kept here: a third of how long the line is out that they are of. */
const keepVersionsMs = 2 * hourMs;
const items = pricedItems(300);

let clock: VirtualClock;
let disk: MemoryDisk;
let crash: () => void;

beforeEach(() => {
  clock = createVirtualClock();
  disk = createMemoryDisk();
});

const begin = async (options: { items?: typeof items; keepPatchesMs?: number } = {}): Promise<TestOrigin> => {
  const store = createMemoryStore({ id: "log-1", clock, disk });
  crash = () => store.crash();
  const { keepPatchesMs = keepVersionsMs, ...rest } = options;
  return createTestOrigin({ clock, open: store, retention: { keepPatchesMs, keepVersionsMs }, ...rest });
};

const restore = (origin: TestOrigin, body: object): ReturnType<typeof answerOf> =>
  answerOf(origin.post("/v1/datasets/prices/restore", body));
const contentHash = async (origin: TestOrigin): Promise<string | undefined> =>
  (await origin.status()).datasets[0]?.stable?.contentHash;
const finish = async (origin: TestOrigin, to: typeof items): Promise<void> => {
  const { release } = await answerOf(origin.publish("prices", to, "?release=true&thousandths=100000"));
  await origin.post(`/v1/releases/${String(release)}/promote`, {});
};

/** Hours in steps of minutes: what falls due within a step falls due together. */
async function wait(durationMs: number): Promise<void> {
  for (let ms = 0; ms < durationMs; ms += 5 * minuteMs) {
    clock.advance(5 * minuteMs);
    await settle();
  }
}

/** A patch every five minutes, and what the version was after each, by its moment. */
async function patchFor(origin: TestOrigin, durationMs: number): Promise<Map<number, string>> {
  const hashes = new Map<number, string>();
  for (let at = 0; at < durationMs; at += 5 * minuteMs) {
    const some = Array.from({ length: 9 }, (_, index) => ({
      key: `sku-${((at / minuteMs) % 290) + index}`,
      merge: { price: at + index },
    }));
    await origin.post("/v1/datasets/prices/patches", { items: some });
    hashes.set(clock.wall(), (await contentHash(origin)) ?? "");
    await wait(5 * minuteMs);
  }
  return hashes;
}

test("a line that is patched and compacted for three times as long as versions are kept, and was left an hour ago, is had to the second", async () => {
  let origin = await begin({ items });
  const hashes = await patchFor(origin, 6 * hourMs);
  const prunedBefore = disk.prunedThrough;
  await finish(origin, pricedItems(300, 7_000));
  await wait(hourMs);
  expect(prunedBefore).toBeGreaterThan(30);
  // A process that knows of it only what the log says.
  crash();
  origin = await begin();
  const moments = [...hashes].filter(([at]) => at > clock.wall() - keepVersionsMs);
  expect(moments.length).toBeGreaterThan(10);
  for (const [at, hash] of [moments[0], moments[6], moments.at(-1)].flatMap((each) =>
    each === undefined ? [] : [each],
  )) {
    const back = await restore(origin, { to: { at: at + 1_000 }, mode: "exact" });
    expect([back.status, back["detail"]]).toEqual([200, undefined]);
    expect(await contentHash(origin)).toBe(hash);
  }
  const asked = await restore(origin, { to: { at: clock.wall() - keepVersionsMs - 1 } });
  expect(asked).toMatchObject({ code: "PRUNED", details: { fromAt: clock.wall() - keepVersionsMs } });
  await origin.origin.close();
});

test("the version that was out before is had with its patches, however long it was out", async () => {
  const origin = await begin({ items });
  await patchFor(origin, 5 * hourMs);
  const before = await contentHash(origin);
  await finish(origin, pricedItems(300, 7_000));
  await wait(hourMs);
  expect(await restore(origin, { to: { version: 1 }, mode: "reapply" })).toMatchObject({ status: 200 });
  expect(await contentHash(origin)).toBe(before);
  await origin.origin.close();
});

test("patches that come back in files are not counted as dropped: of them nobody knows any more which items they are", async () => {
  const origin = await begin({ items });
  await patchFor(origin, 5 * hourMs);
  const before = await contentHash(origin);
  expect(await restore(origin, { to: { version: 1 }, mode: "exact" })).toMatchObject({ status: 200 });
  const back = await restore(origin, { to: { version: 1 }, mode: "reapply" });
  expect(back).toMatchObject({ restored: { dropped: { changes: 0, keys: 0 } } });
  expect(await contentHash(origin)).toBe(before);
  await origin.origin.close();
});

test("who keeps patches for half an hour has the versions of half an hour, and those that were published", async () => {
  const origin = await begin({ items, keepPatchesMs: hourMs / 2 });
  const hashes = await patchFor(origin, 2 * hourMs);
  const [first, last] = [[...hashes][4], [...hashes].at(-1)];
  await finish(origin, pricedItems(300, 7_000));
  expect(await restore(origin, { to: { at: first?.[0] }, mode: "exact" })).toMatchObject({ code: "PRUNED" });
  expect(await restore(origin, { to: { version: 1 }, mode: "exact" })).toMatchObject({ status: 200 });
  expect(await restore(origin, { to: { at: last?.[0] }, mode: "exact" })).toMatchObject({ status: 200 });
  expect(await contentHash(origin)).toBe(last?.[1]);
  await origin.origin.close();
});

test("a version that a patch gave to a line that left long ago is said to be gone, although the log still has the patch", async () => {
  const origin = await begin({ items, keepPatchesMs: 24 * hourMs });
  const { release } = await answerOf(
    origin.publish("prices", pricedItems(300, 7_000), "?release=true&thousandths=100000"),
  );
  const patched = await answerOf(
    origin.post("/v1/datasets/prices/patches", { items: [{ key: "sku-1", merge: { price: 1 } }] }),
  );
  await origin.post(`/v1/releases/${String(release)}/promote`, {});
  await wait(keepVersionsMs + hourMs);
  // The newest three are known however old they are: the line that took the place of the one in question is.
  await finish(origin, pricedItems(300, 8_000));
  await finish(origin, pricedItems(300, 9_000));
  await wait(keepVersionsMs + hourMs);
  expect(await restore(origin, { to: { version: patched["stable"] }, mode: "exact" })).toMatchObject({
    code: "PRUNED",
  });
});
