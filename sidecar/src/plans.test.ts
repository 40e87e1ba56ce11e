import { defaultPlan } from "@sluice/core";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, failures, pricedItems, type TestOrigin } from "./origin.testing.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };
const [first, second] = defaultPlan.steps;
const hour = 3_600_000;

/** Moves on and lets what falls due come to its end. */
async function pass(origin: TestOrigin, durationMs: number): Promise<void> {
  origin.clock.advance(durationMs);
  await settle();
}

const standing = async (origin: TestOrigin): Promise<readonly unknown[]> => {
  const { release } = (await origin.status()).datasets[0] ?? {};
  return [release?.phase ?? null, release?.thousandths ?? null];
};

/** By time alone: what a plan does with evidence is proved beside the guards. */
const byTime = { promotion: null };

async function running(plan: unknown = byTime): Promise<TestOrigin> {
  const origin = await createTestOrigin({ items, plan });
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

test("a guard that is off is on again after its time, whatever the wall clock does", async () => {
  const origin = await running();
  const id = (await origin.status()).datasets[0]?.release?.id;
  const answer = await origin.post(`/v1/releases/${id}/guard-off`, { forMs: 600_000, reason: "a known fault" });
  expect(answer.status).toBe(200);
  const off = async (): Promise<boolean> => (await origin.status()).datasets[0]?.release?.guardOff !== null;
  await pass(origin, 1_000);
  origin.clock.jumpWall(5 * hour);
  await pass(origin, 598_000);
  expect(await off()).toBe(true);
  expect((await origin.status()).datasets[0]?.health.reasons.join()).toContain("the guard is OFF until");
  await pass(origin, 2_000);
  expect(await off()).toBe(false);
});

test("a plan that waits for evidence holds after its wait and says what it waits for", async () => {
  const origin = await running({ promotion: { waitMaxMs: 60_000, otherwise: "hold" } });
  expect((await origin.status()).datasets[0]?.release?.next?.promotion).toMatchObject({ otherwise: "hold" });
  await pass(origin, (first?.holdMs ?? 0) + 50_000);
  expect(await standing(origin)).toEqual(["running", first?.thousandths]);
  await pass(origin, 10_000);
  expect((await origin.status()).datasets[0]?.release?.hold?.by.kind).toBe("plan");
});

test("a step waits for the promotion test, is taken when it opens, and says on what evidence", async () => {
  const origin = await createTestOrigin({ items, plan: { steps: [{ thousandths: 1_000, holdMs: 60_000 }] } });
  const { release } = await answerOf(origin.publish("prices", changed, "?release=true"));
  await pass(origin, 600_000);
  expect(await standing(origin)).toEqual(["running", 1_000]);
  expect((await origin.status()).datasets[0]?.release?.evidence?.promotion).toMatchObject({
    open: false,
    bound: { worseRatio: 5, worseExtraRate: 0.01 },
    requestsNeeded: 357,
  });

  await origin.post("/v1/outcomes", failures(String(release), 1, { candidateOk: 500, ok: 9_500, thousandths: 1_000 }));
  await pass(origin, 500);
  expect(await standing(origin)).toEqual(["baking", 100_000]);
  const log = (await (await origin.request("/v1/log?limit=10")).text()).includes('"open":true');
  expect(log).toBe(true);
});

test("candidates that fail five times as often as the control do not open the next step", async () => {
  const plan = { steps: [{ thousandths: 1_000, holdMs: 60_000 }], guard: { toleratedRatio: 20 } };
  const origin = await createTestOrigin({ items, plan });
  const { release } = await answerOf(origin.publish("prices", changed, "?release=true"));
  const counts = { candidateFailures: 25, candidateOk: 475, controlFailures: 95, ok: 9_405, thousandths: 1_000 };
  await origin.post("/v1/outcomes", failures(String(release), 1, counts));
  await pass(origin, 3_000_000);
  expect(await standing(origin)).toEqual(["running", 1_000]);
});
