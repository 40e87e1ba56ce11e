import { defaultPlan } from "@sluice/core";
import { expect, test } from "vitest";
import { createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };
const [first, second] = defaultPlan.steps;
const hour = 3_600_000;

/** Moves on and lets what falls due come to its end. */
async function pass(origin: TestOrigin, durationMs: number): Promise<void> {
  origin.clock.advance(durationMs);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

const standing = async (origin: TestOrigin): Promise<readonly unknown[]> => {
  const { release } = (await origin.status()).datasets[0] ?? {};
  return [release?.phase ?? null, release?.thousandths ?? null];
};

async function running(): Promise<TestOrigin> {
  const origin = await createTestOrigin({ items });
  await origin.publish("prices", changed, "?release=true");
  await pass(origin, 1_000);
  return origin;
}

test("a wall clock that jumps ahead brings no step and ends no bake: the time of both has to have passed", async () => {
  const origin = await running();
  origin.clock.jumpWall(5 * hour);
  await pass(origin, 1_000);
  expect(await standing(origin)).toEqual(["running", first?.thousandths]);
  await pass(origin, (first?.holdMs ?? 0) - 2_000);
  expect(await standing(origin)).toEqual(["running", second?.thousandths]);

  const status = (await origin.status()).datasets[0]?.release;
  await origin.post(`/v1/releases/${status?.id}/promote`, {});
  await pass(origin, 1_000);
  origin.clock.jumpWall(24 * hour);
  await pass(origin, 1_000);
  expect(await standing(origin)).toEqual(["baking", 100_000]);
  await pass(origin, defaultPlan.bakeMs);
  expect(await standing(origin)).toEqual([null, null]);
});

test("a wall clock that jumps back keeps no plan waiting", async () => {
  const origin = await running();
  origin.clock.jumpWall(-24 * hour);
  await pass(origin, first?.holdMs ?? 0);
  expect(await standing(origin)).toEqual(["running", second?.thousandths]);
  await pass(origin, second?.holdMs ?? 0);
  expect((await standing(origin))[1]).toBeGreaterThan(second?.thousandths ?? 0);
});
