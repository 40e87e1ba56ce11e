import { beforeEach, expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "../origin.testing.ts";

type Items = Record<string, Record<string, unknown>>;

let origin: TestOrigin;
let back: Awaited<ReturnType<typeof answerOf>>;

const first: Items = pricedItems(40);
const tenfold: Items = Object.fromEntries(
  Object.entries(first).map(([key, item]) => [key, { ...item, price: 10 * Number(item["price"]) }]),
);

const patch = async (key: string, merge: object): Promise<number> =>
  Number((await answerOf(origin.post("/v1/datasets/prices/patches", { items: [{ key, merge }] })))["stable"]);
const restore = (version: number, mode?: "exact" | "reapply"): ReturnType<typeof answerOf> =>
  answerOf(origin.post("/v1/datasets/prices/restore", { to: { version }, ...(mode === undefined ? {} : { mode }) }));
const publish = (items: Items): ReturnType<typeof answerOf> =>
  answerOf(origin.publish("prices", items, "?release=true&thousandths=100000"));
const finish = async (items: Items): Promise<void> => {
  const { release } = await publish(items);
  await origin.post(`/v1/releases/${String(release)}/promote`, {});
};
const itemsNow = async (): Promise<Items> => {
  const answer = await origin.post("/v1/datasets/prices/items", { keys: Object.keys(first) });
  return ((await answer.json()) as { items: Items }).items;
};

/** v2 of a patch, the tenfold v3 with patches v4 and v5, and v6, which has v2's content. */
beforeEach(async () => {
  origin = await createTestOrigin({ items: first });
  await patch("sku-1", { price: 1 });
  await finish(tenfold);
  await patch("sku-2", { stock: 2 });
  await patch("sku-3", { stock: 3 });
  back = await restore(2, "exact");
});

test("a publish and the patches to it are what is dropped, at every item that they changed", () => {
  expect(back).toMatchObject({ restored: { number: 6, dropped: { changes: 3, keys: 40 } } });
});

test("what has the content already is not restored again, and no choice is asked", async () => {
  for (const mode of [undefined, "exact"] as const) {
    expect(await restore(2, mode)).toMatchObject({
      status: 200,
      outcome: "unchanged",
      restored: null,
      message: "the stable version v6 of prices has the content of v2 already",
    });
  }
  expect((await origin.status()).datasets[0]?.stable).toMatchObject({ number: 6 });
});

test("where it is what was stable before what runs, that is taken back as by a plain revert", async () => {
  const { release } = await publish({ ...first, "sku-1": { price: 7 } });
  expect(await restore(2)).toMatchObject({
    outcome: "done",
    release,
    restored: null,
    receipt: { action: "revert", durable: true },
  });
  expect((await origin.status()).datasets[0]).toMatchObject({ release: null, stable: { number: 6 } });
});

test("patches that were dropped before come back and are not counted as dropped, and to drop them again is", async () => {
  expect(await restore(2, "reapply")).toMatchObject({ restored: { number: 7, dropped: { changes: 0, keys: 0 } } });
  expect(await itemsNow()).toEqual({
    ...first,
    "sku-1": { ...first["sku-1"], price: 1 },
    "sku-2": { ...first["sku-2"], stock: 2 },
    "sku-3": { ...first["sku-3"], stock: 3 },
  });
  await patch("sku-4", { stock: 4 });
  const asked = await restore(2);
  expect(asked).toMatchObject({
    code: "CHOICE_NEEDED",
    details: { dropped: { changes: 3, keys: 3, publishes: 0, patches: 3 } },
  });
  expect(await restore(2, "exact")).toMatchObject({ restored: { dropped: { changes: 3, keys: 3 } } });
});

test("what is gone already is not dropped again: an older one drops what came between", async () => {
  await patch("sku-9", { stock: 9 });
  // v2 and v7; neither the tenfold publish nor its patches.
  expect(await restore(1, "exact")).toMatchObject({ restored: { dropped: { changes: 2, keys: 2 } } });
  expect(await itemsNow()).toEqual(first);
});

test("an item that loses a publish is counted, and one that only gets a lost patch back is not", async () => {
  await finish({ ...first, "sku-1": { ...first["sku-1"], price: 1 }, "sku-9": { price: 9 }, "sku-2": { price: 2 } });
  const answer = await restore(2, "reapply");
  expect(answer).toMatchObject({ restored: { dropped: { changes: 1, keys: 2 } } });
  expect(await itemsNow()).toMatchObject({
    "sku-2": { ...first["sku-2"], stock: 2 },
    "sku-3": { ...first["sku-3"], stock: 3 },
    "sku-9": first["sku-9"],
  });
});

test("a restore is itself a change to who goes back to what it took back", async () => {
  await origin.post("/v1/datasets/prices/quarantine/lift", { publish: 3 });
  expect(await restore(5, "exact")).toMatchObject({ restored: { dropped: { changes: 1, keys: 40 } } });
  expect(await itemsNow()).toMatchObject({ "sku-2": { ...tenfold["sku-2"], stock: 2 } });
});

test("no choice is offered for a version that may not come back", async () => {
  for (const mode of [undefined, "exact", "reapply"] as const) {
    expect(await restore(5, mode)).toMatchObject({
      code: "QUARANTINED",
      detail:
        "v5 of prices was taken back by a restore: no reason given; lift it first with: sluice quarantine lift prices 3",
    });
  }
});
