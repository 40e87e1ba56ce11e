import type { CommandAnswer, DatasetStatus } from "@sluice/core/api";
import { pass } from "@sluice/replica/testing";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "../origin.testing.ts";

const url = "https://upstream.test/prices";
const intervalMs = 10_000;
const good = pricedItems(50);
const withPrice = (price: number): Record<string, unknown> => ({ ...good, "sku-1": { price, currency: "CNY" } });
const start = "starts only when a person says so: sluice release start prices";

let offered: object = good;
const server = setupServer(http.get(url, () => HttpResponse.json(offered as Record<string, unknown>)));
beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterAll(() => server.close());
beforeEach(() => {
  offered = good;
});

const pricesOf = async (origin: TestOrigin): Promise<DatasetStatus> => {
  const [dataset] = (await origin.status()).datasets;
  if (dataset === undefined) throw new Error("there is a dataset");
  return dataset;
};

/** Two looks of the source, each with what becomes of it. */
const looked = (origin: TestOrigin): Promise<void> => pass(origin.clock, 2 * intervalMs);

/** An origin whose source released v2, and has parked a newer file since. */
async function parked(): Promise<TestOrigin> {
  const origin = await createTestOrigin({ items: good, fetch: globalThis.fetch });
  expect((await origin.post("/v1/datasets/prices/sources", { url, intervalMs, onNew: "release" })).status).toBe(201);
  await looked(origin);
  offered = withPrice(55);
  await looked(origin);
  offered = withPrice(56);
  await looked(origin);
  expect(await pricesOf(origin)).toMatchObject({ release: { phase: "running" }, sources: [{ state: "parked" }] });
  return origin;
}

test.each([
  ["dataset", () => "/v1/datasets/prices/revert"],
  ["release", (release: string) => `/v1/releases/${release}/revert`],
])("a revert by %s says that what its source parked is held, and nothing starts", async (_by, pathOf) => {
  const origin = await parked();
  const { release } = await pricesOf(origin);
  const answer = await answerOf(origin.post(pathOf(release?.id ?? ""), {}));
  expect(answer).toMatchObject({ outcome: "done", message: `what source main brought meanwhile is held and ${start}` });
  await looked(origin);
  expect(await pricesOf(origin)).toMatchObject({
    release: null,
    candidate: { publish: 3 },
    sources: [{ state: "ok", message: "v3 is held until a person starts it: v2 was reverted" }],
  });
  // Who comes second is told the same behind who was first.
  const second = (await (await origin.post("/v1/datasets/prices/revert", {})).json()) as CommandAnswer;
  expect(second.outcome).toBe("unchanged");
  expect(second.message).toMatch(
    new RegExp(`^v2 of prices was reverted already by .*; v3 from source main is held and ${start}$`),
  );
});

test("an alert's revert leaves what was parked held too", async () => {
  const origin = await parked();
  await origin.post("/v1/alerts", { name: "probe", dataset: "prices", action: "revert" });
  await looked(origin);
  expect(await pricesOf(origin)).toMatchObject({ release: null, candidate: { publish: 3 } });
});

test("a restore that takes back what runs says it as well", async () => {
  const origin = await parked();
  const patch = { items: [{ key: "sku-7", merge: { price: 1 } }] };
  expect((await origin.post("/v1/datasets/prices/patches", patch)).status).toBe(200);
  const answer = await answerOf(origin.post("/v1/datasets/prices/restore", { to: { version: 1 }, mode: "exact" }));
  expect(answer).toMatchObject({ outcome: "done", message: expect.stringContaining(start) });
  await looked(origin);
  expect(await pricesOf(origin)).toMatchObject({ release: null, restored: { version: 1 } });
});

test("of an immediate dataset it says that what was parked goes live, which it does", async () => {
  const origin = await createTestOrigin({ fetch: globalThis.fetch });
  await origin.post("/v1/datasets", { name: "prices", policy: "immediate" });
  await origin.publish("prices", good);
  await origin.post("/v1/datasets/prices/sources", { url, intervalMs, onNew: "release" });
  await looked(origin);
  await origin.publish("prices", withPrice(55), "?release=true");
  offered = withPrice(56);
  await looked(origin);
  expect((await answerOf(origin.post("/v1/datasets/prices/revert", {}))).message).toBe(
    "what source main brought meanwhile goes live at once, prices being immediate; end that with: sluice source remove prices main",
  );
  await looked(origin);
  expect(await pricesOf(origin)).toMatchObject({ stable: { publish: 3 }, release: null });
});

test("a revert with nothing that waits is done, and says no more", async () => {
  const origin = await createTestOrigin({ items: good });
  await origin.publish("prices", withPrice(55), "?release=true");
  expect((await answerOf(origin.post("/v1/datasets/prices/revert", {}))).message).toBe("done");
});
