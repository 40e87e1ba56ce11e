import type { Receipt } from "@sluice/core/api";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { createFleet } from "./fleet.testing.ts";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";

interface Followed {
  readonly origin: TestOrigin;
  readonly release: string;
  /** Says that the follower has taken up everything, or the revert of a release. */
  readonly confirm: (more: { applied?: number; reverted?: readonly string[] }) => Promise<void>;
}

/** A release at 5 % that one process follows. */
async function followed(): Promise<Followed> {
  const items = pricedItems(4);
  const origin = await createTestOrigin({ items, plan: { automatic: false, bakeMs: 60_000 } });
  await origin.request("/v1/follow?id=f1&name=shop&kind=sdk");
  const { release } = await answerOf(origin.publish("prices", { ...items, "sku-1": { price: 7 } }, "?release=true"));
  return {
    origin,
    release: String(release),
    async confirm(more) {
      const confirmation = { follower: "f1", applied: 0, reverted: [], prepared: [], ...more };
      await origin.post("/v1/confirmations", { confirmations: [confirmation], children: null });
    },
  };
}

const receiptOf = async (answer: Promise<Response>): Promise<Receipt | null | undefined> =>
  (await answerOf(answer)).receipt;

test.each([
  ["percentage", "percentage", { thousandths: 20_000 }],
  ["percentage", "promote", { thousandths: 100_000 }],
  ["promote", "promote", {}],
  ["revert", "revert", {}],
])("%s waits for its own receipt, the one of %s", async (command, action, body) => {
  const { origin, release, confirm } = await followed();
  const answered = receiptOf(origin.post(`/v1/releases/${release}/${command}?wait=5000`, body));
  await settle();
  origin.clock.advance(300);
  await confirm({ applied: 100 });
  expect(await answered).toMatchObject({ action, expected: 1, confirmed: 1, p50Ms: 300, p99Ms: 300, missing: [] });
});

test("a command given again waits for the receipt of the first", async () => {
  const { origin, release, confirm } = await followed();
  const set = (): Promise<Response> =>
    origin.post(`/v1/releases/${release}/percentage?wait=1000`, { thousandths: 20_000 });
  const first = receiptOf(set());
  await settle();
  origin.clock.advance(1_000);
  expect(await first).toMatchObject({ action: "percentage", confirmed: 0, missing: ["shop"] });
  const second = answerOf(set());
  await settle();
  origin.clock.advance(200);
  await confirm({ applied: 100 });
  expect(await second).toMatchObject({ outcome: "unchanged", receipt: { confirmed: 1, p99Ms: 1_200 } });

  const revert = (): Promise<Response> => origin.post("/v1/datasets/prices/revert?wait=1000", {});
  const reverted = receiptOf(revert());
  await settle();
  origin.clock.advance(1_000);
  expect(await reverted).toMatchObject({ action: "revert", confirmed: 0, missing: ["shop"] });
  const again = answerOf(revert());
  await settle();
  await confirm({ reverted: [release] });
  expect(await again).toMatchObject({ outcome: "unchanged", receipt: { confirmed: 1, p99Ms: 1_000 } });
});

test("a promote that ends the bake has a receipt of its own", async () => {
  const { origin, release, confirm } = await followed();
  const promote = (): Promise<Receipt | null | undefined> =>
    receiptOf(origin.post(`/v1/releases/${release}/promote?wait=0`, {}));
  const everybody = await promote();
  await confirm({ applied: 100 });
  const completed = await promote();
  expect(everybody).toMatchObject({ action: "promote", confirmed: 0 });
  expect(completed?.sequence).toBeGreaterThan(everybody?.sequence ?? 0);
});

test("who is away is named by the receipts of all three", async () => {
  const { origin, release } = await followed();
  const abort = new AbortController();
  const away = await origin.request("/v1/follow?id=f2&name=host-7&kind=sdk", { signal: abort.signal });
  expect(away.status).toBe(200);
  abort.abort();
  origin.clock.advance(10_001);
  const set = origin.post(`/v1/releases/${release}/percentage`, { thousandths: 20_000 });
  expect(await receiptOf(set)).toMatchObject({ expected: 1, away: ["host-7"], awayTotal: 1 });
  const promoted = origin.post(`/v1/releases/${release}/promote`, {});
  expect(await receiptOf(promoted)).toMatchObject({ expected: 1, away: ["host-7"], awayTotal: 1 });
  const reverted = origin.post(`/v1/releases/${release}/revert`, {});
  expect(await receiptOf(reverted)).toMatchObject({ expected: 1, away: ["host-7"], awayTotal: 1 });
});

test("a receipt says that the origin had just started anew: who followed before may still come, and nobody counts them", async () => {
  const fleet = await createFleet();
  const app = await fleet.app("app-1", ["origin"]);
  await fleet.release(50_000);
  const receipt = async (action: string): Promise<Receipt> => {
    const answer = await fleet.post("origin", `/v1/datasets/prices/${action}`);
    return answer["receipt"] as Receipt;
  };
  await fleet.pass(1_000);
  expect(await receipt("revert")).not.toHaveProperty("originAgeMs");
  await fleet.release(50_000);
  await fleet.pass(1_000);
  fleet.cut("origin");
  await fleet.startOrigin();
  await fleet.pass(3_000);
  expect(await receipt("revert")).toMatchObject({ expected: 0, originAgeMs: 3_000 });
  await fleet.pass(1_000);
  await fleet.startOrigin();
  fleet.heal("origin");
  await fleet.pass(1_000);
  const status = await fleet.status("origin");
  // It outlives the process after that with the rest of the receipt.
  expect(status.datasets[0]?.lastRevert?.receipt).toMatchObject({ originAgeMs: 3_000 });
  await fleet.pass(15_000);
  await fleet.release(50_000);
  await fleet.pass(1_000);
  const last = await receipt("revert");
  expect(last).toMatchObject({ expected: 1 });
  expect(last).not.toHaveProperty("originAgeMs");
  await app.close();
});
