import { type LoggedEvent, type Plan, planOfPreset } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";

const items = pricedItems(20);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

/** The plans that the log has, in its order. */
async function plansOf(origin: TestOrigin): Promise<Plan[]> {
  const lines = (await (await origin.request("/v1/log")).text()).split("\n").filter((line) => line !== "");
  return lines.flatMap((line) => {
    const { event } = JSON.parse(line) as LoggedEvent;
    return "plan" in event ? [event.plan] : [];
  });
}

test("a plan that came by name is whole in the log, of the dataset and of a release", async () => {
  const origin = await createTestOrigin({ items, plan: "AppConfig.Linear50PercentEvery30Seconds" });
  await origin.publish("prices", changed);
  const plan = { preset: "canary-10-for-20m", promotion: null };
  expect(await answerOf(origin.post("/v1/datasets/prices/release", { plan }))).toMatchObject({ status: 200 });
  expect(await plansOf(origin)).toEqual([
    { ...planOfPreset("linear-50-every-30s"), bakeMs: 60_000 },
    { ...planOfPreset("canary-10-for-20m"), promotion: null },
  ]);
  const [prices] = (await origin.status()).datasets;
  expect(prices?.release).toMatchObject({ thousandths: 10_000, next: { thousandths: 100_000, promotion: null } });
});

test("all at once is a release with everybody, which bakes", async () => {
  const origin = await createTestOrigin({ items, plan: "all-at-once" });
  await origin.publish("prices", changed, "?release=true");
  expect((await origin.status()).datasets[0]?.release).toMatchObject({ phase: "baking", thousandths: 100_000 });
});

test("a plan by linear growth takes each of its steps and then everybody", async () => {
  const origin = await createTestOrigin({ items, plan: { preset: "linear-30-every-6m", promotion: null } });
  await origin.publish("prices", changed, "?release=true");
  const seen: number[] = [];
  // The first look at the clock is its tick's.
  origin.clock.advance(1_000);
  await settle();
  for (let step = 0; step < 4; step++) {
    seen.push((await origin.status()).datasets[0]?.release?.thousandths ?? 0);
    origin.clock.advance(360_500);
    await settle();
  }
  expect(seen).toEqual([30_000, 60_000, 90_000, 100_000]);
});

test("a name that is none is refused with the names that there are, and of a plan every error", async () => {
  const origin = await createTestOrigin();
  const create = (plan: unknown): ReturnType<typeof answerOf> =>
    answerOf(origin.post("/v1/datasets", { name: "prices", plan }));
  expect(await create("reckless")).toMatchObject({
    status: 400,
    code: "VALIDATION",
    detail: expect.stringContaining('/plan/preset: there is no plan "reckless"; plans are careful, linear-P-every-T'),
  });
  const wrong = await create({ preset: "careful", bakeMs: -1, automatic: "yes" });
  expect(wrong["details"]).toMatchObject({ problems: [{ path: "/plan/automatic" }, { path: "/plan/bakeMs" }] });
});
