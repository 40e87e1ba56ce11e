import { createTestClient, type TestClient } from "@sluice/sdk/testing";
import { sluiceMiddleware } from "@sluice/sdk/hono";
import type { Hono } from "hono";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createShop, shopperOf } from "./app.ts";
import { type Items, type Price, schemas } from "./items.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Paid } from "./payment.ts";
import { createWindow, type WindowLook } from "./window.ts";

const words = { zh: "龙井 100克", en: "Longjing, 100 g" };
const price = (fen: number): Price => ({ price: fen, currency: "CNY", name: words, brand: words, department: words });
/** As v4 has it; the type says that it cannot be, which is what the shop believes. */
const { currency: _lost, ...withoutCurrency } = price(900);

let client: TestClient<Items>;
let app: Pick<Hono, "request">;
let metrics: Metrics;
let paid: Paid = { id: "P-1", concern: null };

beforeEach(() => {
  paid = { id: "P-1", concern: null };
  client = createTestClient({
    schemas,
    datasets: {
      prices: { "TEA-1": price(129_900), "TEA-2": price(2_000), "TEA-3": price(3_000) },
      stock: { "TEA-1": { stock: 7 } },
    },
    candidate: {
      prices: { "TEA-1": withoutCurrency as Price, "TEA-2": price(1_000), "TEA-3": price(3_000) },
    },
    percentage: 50,
  });
  metrics = createMetrics();
  app = createShop({
    data: client,
    middleware: sluiceMiddleware(client, { targetingKey: shopperOf }),
    payment: { pay: () => Promise.resolve(paid), coupon: (code) => Promise.resolve(`${code} is worth 10 %`) },
    worker: "w1",
    metrics,
    window: createWindow({
      data: client,
      worker: "w1",
      skus: () => ["TEA-1", "TEA-2", "TEA-3"],
      release: () => ({
        release: client.status().datasets.prices.release,
        stable: 1,
        candidate: 2,
        thousandths: 50_000,
        phase: "running",
        connected: true,
        reverted: null,
      }),
    }),
  });
});

afterEach(() => client.close());

const user = (arm: "candidate" | "control"): string => client.targetingKey("prices", arm);
const counted = (): string[] => client.outcomes.map(({ arm, failure }) => `${arm} ${failure ?? "ok"}`);

async function lookAtWindow(): Promise<WindowLook> {
  return (await (await app.request("/window")).json()) as WindowLook;
}

async function askForShelf(arm: "candidate" | "control"): Promise<Response> {
  return app.request(`/shelf?user=${user(arm)}&skus=TEA-1,TEA-2`);
}

test("a product is shown with the price, the stock and the version of the shopper's side", async () => {
  const answer = await app.request(`/product/TEA-1?user=${user("control")}&lang=en`);
  expect(answer.headers.get("shop-prices")).toBe("1");
  expect(answer.headers.get("shop-worker")).toBe("w1");
  expect(await answer.json()).toMatchObject({
    name: "Longjing, 100 g",
    label: "¥1,299.00",
    price: 129_900,
    currency: "CNY",
    stock: 7,
    version: 1,
    arm: "control",
  });
});

test("a missing currency breaks the page by itself, the page still says its version, and it counts as a failure", async () => {
  const answer = await app.request(`/product/TEA-1?user=${user("candidate")}`);
  expect(answer.status).toBe(500);
  expect(answer.headers.get("shop-prices")).toBe("2");
  expect(counted()).toEqual(["candidate error"]);
});

test("a payment that is refused is a failure of its own kind, told to the shopper as no server error", async () => {
  paid = { refused: "below-cost" };
  const answer = await app.request(`/checkout?sku=TEA-2&user=${user("candidate")}`, { method: "POST" });
  expect(answer.status).toBe(422);
  expect(counted()).toEqual(["candidate below-cost"]);
});

test("a payment that is taken under cost serves the shopper, and is a failure of its own kind to the guard", async () => {
  paid = { id: "P-1", concern: "below-cost" };
  const answer = await app.request(`/checkout?sku=TEA-2&user=${user("candidate")}`, { method: "POST" });
  expect(answer.status).toBe(200);
  expect(counted()).toEqual(["candidate below-cost"]);
  expect(metrics.text()).toContain('shop_failures_total{kind="below-cost",arm="candidate"');
});

test("a page with a coupon says what it is worth, as the payment side knows it", async () => {
  client.patch("prices", { "TEA-2": { ...price(2_000), coupon: "C-1" } });
  const path = `/product/TEA-2?user=${user("control")}`;
  expect(await (await app.request(path)).json()).toMatchObject({ coupon: "C-1 is worth 10 %" });
  const page = await (await app.request(`${path}&lang=en`, { headers: { accept: "text/html" } })).text();
  expect(page).toContain("Coupon C-1 is worth 10 %");
});

test("Prometheus is told of both failures under the arm and the release that had them", async () => {
  paid = { refused: "below-cost" };
  const release = String(client.status().datasets.prices.release);
  await app.request(`/product/TEA-1?user=${user("candidate")}`);
  await app.request(`/checkout?sku=TEA-2&user=${user("candidate")}`, { method: "POST" });
  const text = metrics.text();
  expect(text).toContain(`shop_failures_total{kind="error",arm="candidate",release="${release}"} 1`);
  expect(text).toContain(`shop_failures_total{kind="below-cost",arm="candidate",release="${release}"} 1`);
  expect(text).toContain(`{route="/checkout",status="422",arm="candidate",release="${release}"} 1`);
});

test("a payment that is taken is a success on either side", async () => {
  for (const arm of ["candidate", "control"] as const) {
    const answer = await app.request(`/checkout?sku=TEA-2&user=${user(arm)}`, { method: "POST" });
    expect(await answer.json()).toMatchObject({ payment: "P-1", price: arm === "candidate" ? 1_000 : 2_000 });
  }
  expect(counted()).toEqual(["candidate ok", "control ok"]);
});

test("people get pages in their language, with what a file says escaped", async () => {
  const headers = { accept: "text/html" };
  client.patch("prices", { "TEA-2": { ...price(2_000), name: { zh: "<b>茶</b>", en: "tea" } } });
  const page = await (await app.request(`/product/TEA-2?user=${user("control")}`, { headers })).text();
  expect(page).toContain('<html lang="zh-CN">');
  expect(page).toContain("&lt;b&gt;茶&lt;/b&gt;");
  const broken = await app.request(`/product/TEA-1?lang=en&user=${user("candidate")}`, { headers });
  expect([broken.status, (await broken.text()).includes("This page is broken")]).toEqual([500, true]);
});

test("an article that there is not is not found", async () => {
  expect((await app.request("/product/NO-1?user=u")).status).toBe(404);
  expect((await app.request("/checkout?sku=NO-1&user=u", { method: "POST" })).status).toBe(404);
});

test("the window has a shopper of each side, and the articles in which they differ first", async () => {
  const look = await lookAtWindow();
  expect(look).toMatchObject({ worker: "w1", stable: 1, candidate: 2, thousandths: 50_000 });
  expect(look.skus).toEqual(["TEA-1", "TEA-2", "TEA-3"]);
  const armOf = (key: string): string | null => client.view({ targetingKey: key }).arm("prices");
  expect(look.shoppers.map(armOf)).toEqual(["control", "candidate"]);
  expect(client.outcomes).toEqual([]);
});

test("the shelf of a shopper on the broken side is an error page, the other's is whole", async () => {
  expect((await askForShelf("candidate")).status).toBe(500);
  expect(await (await askForShelf("control")).json()).toMatchObject({
    version: 1,
    cards: [{ sku: "TEA-1" }, { sku: "TEA-2" }],
  });
});

test("after a revert both shoppers are on the same side, and two different people", async () => {
  client.revert();
  const { shoppers } = await lookAtWindow();
  expect(new Set(shoppers).size).toBe(2);
  expect(shoppers.map((targetingKey) => client.view({ targetingKey }).version("prices"))).toEqual([1, 1]);
});
