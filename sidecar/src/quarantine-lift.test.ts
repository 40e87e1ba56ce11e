import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";

/** An origin whose v2, which changed sku-1 and sku-2, was reverted. */
async function reverted(): Promise<TestOrigin> {
  const items = pricedItems(20);
  const origin = await createTestOrigin({ items });
  await answerOf(origin.publish("prices", { ...items, "sku-1": { price: 1 }, "sku-2": { price: 2 } }, "?release=true"));
  await answerOf(origin.post("/v1/datasets/prices/revert", { reason: "wrong" }));
  return origin;
}

const lift = (origin: TestOrigin, keys: readonly string[] | null): Promise<Record<string, unknown>> =>
  answerOf(origin.post("/v1/datasets/prices/quarantine/lift", { publish: 2, keys }));
const liftedIn = async (origin: TestOrigin): Promise<number | undefined> =>
  (await origin.status()).datasets[0]?.quarantine[0]?.liftedKeys;

test("keys that a reverted version never changed are named, not lifted", async () => {
  const origin = await reverted();
  expect(await lift(origin, ["sku-1", "sku-9", "no-such"])).toMatchObject({
    outcome: "done",
    message: "1 of 3 keys lifted; v2 of prices never changed sku-9, no-such",
  });
  expect(await liftedIn(origin)).toBe(1);
  const { sequence } = await origin.status();
  expect(await lift(origin, ["sku-9"])).toMatchObject({
    outcome: "unchanged",
    message: "v2 of prices never changed sku-9",
  });
  expect((await origin.status()).sequence).toBe(sequence);
});

test("a refusal for what is lifted since does not tell people to lift it any more", async () => {
  const origin = await reverted();
  const again = { ...pricedItems(20), "sku-1": { price: 1 }, "sku-2": { price: 2 } };
  expect(await answerOf(origin.publish("prices", again))).toMatchObject({ code: "QUARANTINED" });
  const refusal = async (): Promise<string | undefined> => (await origin.status()).datasets[0]?.lastRefusal?.message;
  expect(await refusal()).toBe(
    "this content is v2 of prices, reverted: wrong; lift it with: sluice quarantine lift prices 2",
  );
  await lift(origin, null);
  expect(await refusal()).toBe("this content is v2 of prices, reverted: wrong; it was lifted since");
});

test("a key that is lifted already is not lifted again", async () => {
  const origin = await reverted();
  expect(await lift(origin, ["sku-1"])).toMatchObject({ outcome: "done", message: "done" });
  const { sequence } = await origin.status();
  expect(await lift(origin, ["sku-1"])).toMatchObject({ outcome: "unchanged" });
  expect((await origin.status()).sequence).toBe(sequence);
  expect(await lift(origin, ["sku-1", "sku-2"])).toMatchObject({ outcome: "done" });
  expect(await liftedIn(origin)).toBe(2);
});

test("lifting a mark lets the held version go that shares its changes, and the answer says how", async () => {
  const origin = await reverted();
  const shared = { ...pricedItems(20), "sku-1": { price: 1 }, "sku-2": { price: 22 } };
  const held = await answerOf(origin.publish("prices", shared, "?release=true"));
  expect(held).toMatchObject({ outcome: "held", quarantinedChanges: { count: 1, of: 2, publish: 2 } });
  const start = (): Promise<Record<string, unknown>> => answerOf(origin.post("/v1/datasets/prices/release", {}));
  expect(await start()).toMatchObject({ code: "QUARANTINED_CHANGES" });
  expect(await lift(origin, null)).toMatchObject({
    outcome: "done",
    message: "v3 of prices, which is held, can be started: sluice release start prices",
  });
  expect((await origin.status()).datasets[0]).toMatchObject({
    quarantine: [],
    candidate: { publish: 3, quarantinedChanges: null },
  });
  expect(await start()).toMatchObject({ status: 200, outcome: "done" });
});

test("a held version whose shared keys were lifted is released by publishing it again, under a number of its own", async () => {
  const origin = await reverted();
  const shared = { ...pricedItems(20), "sku-1": { price: 1 }, "sku-2": { price: 22 } };
  await origin.publish("prices", shared, "?release=true");
  const again = (): Promise<Record<string, unknown>> => answerOf(origin.publish("prices", shared, "?release=true"));
  expect(await again()).toMatchObject({ code: "QUARANTINED_CHANGES" });
  expect(await lift(origin, ["sku-1"])).toMatchObject({
    message:
      "publish v3 of prices, which is held, again to have those of its changes counted that are in quarantine still",
  });
  expect(await again()).toMatchObject({ outcome: "started", number: 4, quarantinedChanges: null });
});
