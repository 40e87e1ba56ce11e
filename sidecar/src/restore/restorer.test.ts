import type { LoggedEvent, VirtualClock } from "@sluice/core";
import { createVirtualClock } from "@sluice/core";
import { beforeEach, expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "../origin.testing.ts";

type Items = Record<string, Record<string, unknown>>;

let clock: VirtualClock;
let origin: TestOrigin;

const first: Items = pricedItems(40);
/** Every price ten times what it was, and a tax that is wrong. */
const tenfold: Items = Object.fromEntries(
  Object.entries(first).map(([key, item]) => [key, { ...item, price: 10 * Number(item["price"]), tax: 9 }]),
);

beforeEach(async () => {
  clock = createVirtualClock();
  origin = await createTestOrigin({ clock, items: first });
});

const patch = async (items: readonly unknown[]): Promise<number> =>
  Number((await answerOf(origin.post("/v1/datasets/prices/patches", { items })))["stable"]);
const price = (key: string, value: number): Promise<number> => patch([{ key, merge: { price: value } }]);
const restore = (body: object): ReturnType<typeof answerOf> =>
  answerOf(origin.post("/v1/datasets/prices/restore", body));
const start = async (items: Items): Promise<{ release: string; number: number }> => {
  const { release, number } = await answerOf(origin.publish("prices", items, "?release=true&thousandths=100000"));
  return { release: String(release), number: Number(number) };
};
/** Published, shown to everybody, the bake over. */
const finish = async (items: Items): Promise<number> => {
  const { release, number } = await start(items);
  await origin.post(`/v1/releases/${release}/promote`, {});
  return number;
};
const all = async (): Promise<Items> => {
  const { items } = (await (
    await origin.post("/v1/datasets/prices/items", { keys: Object.keys(first).concat("new-1", "new-2") })
  ).json()) as { items: Items };
  return items;
};
const stable = async (): Promise<{ number: number; contentHash: string }> => {
  const its = (await origin.status()).datasets[0]?.stable;
  return { number: its?.number ?? 0, contentHash: its?.contentHash ?? "" };
};
const events = async (): Promise<LoggedEvent[]> =>
  (await (await origin.request("/v1/log?limit=100")).text())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LoggedEvent);

test("in the bake the version before is a pointer away: no choice is asked, and no patch is lost", async () => {
  await price("sku-1", 1);
  const { release } = await start(tenfold);
  await price("sku-2", 2);
  const answer = await restore({ to: { version: 1 }, reason: "tenfold" });
  expect(answer).toMatchObject({ status: 200, outcome: "done", release, restored: null });
  expect(answer.receipt).toMatchObject({ action: "revert", durable: true });
  expect(await all()).toEqual({
    ...first,
    "sku-1": { ...first["sku-1"], price: 1 },
    "sku-2": { ...first["sku-2"], price: 2 },
  });
});

test("after the bake nothing is changed before somebody says what becomes of the patches, and what would be dropped is listed", async () => {
  const before = await stable();
  await finish(tenfold);
  for (let index = 0; index < 3; index++) await price("sku-1", index);
  const now = await stable();
  const asked = await restore({ to: { version: 1 } });
  expect(asked).toMatchObject({
    status: 409,
    code: "CHOICE_NEEDED",
    detail: `v${now.number} -> v1 of prices drops 4 changes to 40 keys; sluice revert prices --to 1 --reapply keeps the patches since, --exact drops them`,
    details: {
      from: now.number,
      to: 1,
      dropped: { changes: 4, keys: 40, publishes: 1, patches: 3 },
      commands: {
        reapply: "sluice revert prices --to 1 --reapply",
        exact: "sluice revert prices --to 1 --exact",
        revert: null,
      },
    },
  });
  const { items } = asked["details"] as { items: { key: string; before: unknown; after: unknown }[] };
  expect(items).toHaveLength(40);
  expect(items.find(({ key }) => key === "sku-1")).toEqual({
    key: "sku-1",
    before: { ...tenfold["sku-1"], price: 2 },
    after: first["sku-1"],
  });
  expect(await stable()).toEqual(now);
  expect(before.number).toBe(1);
});

test("exactly, it is what it was to the last byte, and the patches since are gone", async () => {
  await price("sku-1", 1);
  const before = await stable();
  await price("sku-9", 9);
  await finish(tenfold);
  await price("sku-2", 2);
  await patch([
    { key: "sku-3", remove: true },
    { key: "new-1", value: { price: 5 } },
  ]);
  const answer = await restore({ to: { version: before.number }, mode: "exact", reason: "tenfold" });
  expect(answer).toMatchObject({
    status: 200,
    restored: { version: before.number, mode: "exact", dropped: { changes: 4, keys: 41 }, reason: "tenfold" },
  });
  expect(await stable()).toMatchObject({ contentHash: before.contentHash });
  expect(await all()).toEqual({ ...first, "sku-1": { ...first["sku-1"], price: 1 } });
  await price("sku-2", 22);
  expect((await all())["sku-2"]).toEqual({ ...first["sku-2"], price: 22 });
});

test("with the patches since, each changes what it changed and brings nothing back of what is taken back", async () => {
  await price("sku-1", 1);
  await finish(tenfold);
  await price("sku-2", 2);
  await patch([
    { key: "sku-3", remove: true },
    { key: "new-1", value: { price: 5 } },
    { key: "sku-4", merge: { tax: null, stock: 3 } },
  ]);
  await patch([{ key: "new-1", merge: { price: 6 } }]);
  const answer = await restore({ to: { version: 1 }, mode: "reapply", reason: "tenfold" });
  const { "sku-3": _removed, ...others } = first;
  expect(answer).toMatchObject({ restored: { version: 1, mode: "reapply", dropped: { changes: 1, keys: 39 } } });
  expect(await all()).toEqual({
    ...others,
    "sku-1": { ...first["sku-1"], price: 1 },
    "sku-2": { ...first["sku-2"], price: 2 },
    "sku-4": { ...first["sku-4"], stock: 3 },
    "new-1": { price: 6 },
  });
});

test("a patch to an item that only the taken-back file had goes with it, and is counted", async () => {
  await finish({ ...first, "new-2": { price: 1 } });
  await patch([{ key: "new-2", merge: { price: 2 } }]);
  await price("sku-1", 1);
  const answer = await restore({ to: { version: 1 }, mode: "reapply" });
  expect(answer).toMatchObject({ restored: { dropped: { changes: 2, keys: 1 } } });
  expect(await all()).toEqual({ ...first, "sku-1": { ...first["sku-1"], price: 1 } });
});

test("what runs is reverted in the same append, and what was stable before it comes back", async () => {
  await finish(tenfold);
  const { release } = await start({ ...tenfold, "sku-1": { price: 0.01 } });
  await price("sku-2", 2);
  const answer = await restore({ to: { version: 1 }, mode: "reapply", reason: "all of it" });
  expect(answer).toMatchObject({ release, restored: { version: 1, dropped: { changes: 2 } } });
  const log = await events();
  expect(log.slice(-2).map(({ event }) => event.type)).toEqual(["release-reverted", "version-restored"]);
  expect(await all()).toEqual({ ...first, "sku-2": { ...first["sku-2"], price: 2 } });
});

test("what became stable since may not come back, with whatever content it ever had", async () => {
  const bad = await finish(tenfold);
  await price("sku-1", 1);
  await restore({ to: { version: 1 }, mode: "exact", reason: "tenfold" });
  expect((await origin.status()).datasets[0]?.quarantine).toMatchObject([
    { publish: bad, release: null, reason: "tenfold" },
  ]);
  const patched = { ...tenfold, "sku-1": { ...tenfold["sku-1"], price: 1 } };
  expect(await answerOf(origin.publish("prices", tenfold))).toMatchObject({ code: "QUARANTINED" });
  expect(await answerOf(origin.publish("prices", patched))).toMatchObject({ code: "QUARANTINED" });
  const corrected = { ...tenfold, "sku-1": { price: 77 } };
  const held = await answerOf(origin.publish("prices", corrected, "?release=true"));
  expect(held).toMatchObject({ outcome: "held", quarantinedChanges: { count: 39, of: 40, publish: bad } });
  await origin.post("/v1/datasets/prices/quarantine/lift", { publish: bad, keys: Object.keys(first).slice(2) });
  const again = await answerOf(origin.publish("prices", { ...corrected, "sku-1": { price: 78 } }, "?release=true"));
  expect(again).toMatchObject({ quarantinedChanges: { count: 1, of: 40 } });
  await origin.post("/v1/datasets/prices/quarantine/lift", { publish: bad });
  expect(await answerOf(origin.publish("prices", tenfold))).toMatchObject({ outcome: "held" });
});

test("a version that came back can itself be gone back from, and to", async () => {
  const bad = await finish(tenfold);
  const back = await restore({ to: { version: 1 }, mode: "exact" });
  const { number } = back["restored"] as { number: number };
  await price("sku-1", 1);
  expect(await restore({ to: { version: bad }, mode: "exact" })).toMatchObject({ code: "QUARANTINED" });
  await origin.post("/v1/datasets/prices/quarantine/lift", { publish: bad });
  expect(await restore({ to: { version: bad }, mode: "exact" })).toMatchObject({ status: 200 });
  expect(await all()).toEqual(tenfold);
  expect((await origin.status()).datasets[0]?.quarantine).toEqual([]);
  expect(await restore({ to: { version: number }, mode: "reapply" })).toMatchObject({
    status: 200,
    restored: { version: number },
  });
  expect(await all()).toEqual({ ...first, "sku-1": { ...first["sku-1"], price: 1 } });
  expect((await origin.status()).datasets[0]?.quarantine).toMatchObject([{ publish: bad }]);
});

test("a moment names what everybody saw then, to the patch", async () => {
  clock.advance(60_000);
  await price("sku-1", 1);
  clock.advance(60_000);
  await price("sku-1", 2);
  clock.advance(60_000);
  const { release } = await start(tenfold);
  clock.advance(60_000);
  await price("sku-1", 3);
  await origin.post(`/v1/releases/${release}/promote`, {});
  clock.advance(60_000);
  const to = async (agoMs: number): Promise<unknown> => {
    const asked = await restore({ to: { agoMs } });
    return (asked["details"] as { to?: number } | undefined)?.to ?? asked["detail"] ?? asked.message;
  };
  expect(await to(0)).toContain("is stable already");
  expect(await to(60_000)).toContain("is stable already");
  // In the bake everybody saw the candidate.
  expect(await to(60_001)).toBe(4);
  expect(await to(121_000)).toBe(3);
  expect(await to(180_001)).toBe(2);
  expect(await to(240_001)).toBe(1);
  expect(await restore({ to: { at: clock.wall() + 1 } })).toMatchObject({ code: "VALIDATION" });
  expect(await restore({ to: { agoMs: 86_400_000 } })).toMatchObject({ code: "VALIDATION" });
  clock.advance(86_400_000);
  await finish({ ...tenfold, "sku-1": { price: 4 } });
  expect(await restore({ to: { agoMs: 86_400_001 } })).toMatchObject({ code: "PRUNED" });
});

test("a moment at which there was no version yet is said to be that, and no option to have kept it", async () => {
  const since = new Date(clock.wall()).toISOString();
  clock.advance(300_000);
  for (const agoMs of [300_001, 100_000_000]) {
    const asked = await restore({ to: { agoMs } });
    const when = new Date(clock.wall() - agoMs).toISOString();
    expect(asked).toMatchObject({
      code: "VALIDATION",
      detail: `there was no version of prices yet at ${when}; its first, v1, is stable since ${since}`,
    });
  }
  expect(await restore({ to: { agoMs: 300_000 } })).toMatchObject({ outcome: "unchanged" });
});

test("what never was stable does not come back this way", async () => {
  const held = await answerOf(origin.publish("prices", tenfold));
  expect(await restore({ to: { version: held["number"] }, mode: "exact" })).toMatchObject({ code: "VALIDATION" });
  expect(await restore({ to: { version: 99 }, mode: "exact" })).toMatchObject({ code: "VALIDATION" });
  expect(await answerOf(origin.post("/v1/datasets/nothing/restore", { to: { version: 1 } }))).toMatchObject({
    code: "DATASET_UNKNOWN",
  });
});

test("a restore that comes again with its key happens once, and who has it is answered", async () => {
  await finish(tenfold);
  const headers = { "idempotency-key": "key-1" };
  const body = { to: { version: 1 }, mode: "exact" };
  const answers = [
    await answerOf(origin.post("/v1/datasets/prices/restore", body, headers)),
    await answerOf(origin.post("/v1/datasets/prices/restore?wait=100", body, headers)),
  ];
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[0]?.receipt).toMatchObject({
    action: "restore",
    release: "prices-v3-restored",
    durable: true,
    expected: 0,
  });
  const status = (await origin.status()).datasets[0];
  expect(status?.restored).toMatchObject({
    version: 1,
    number: 3,
    mode: "exact",
    by: { kind: "person" },
    receipt: { action: "restore" },
  });
  expect(await answerOf(origin.request("/v1/releases/prices-v3-restored/receipts/restore"))).toMatchObject({
    status: 200,
  });
  expect((await events()).filter(({ event }) => event.type === "version-restored")).toHaveLength(1);
});
