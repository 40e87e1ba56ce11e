import { expect, test } from "vitest";
import { serving } from "../stage/serving.testing.ts";
import { createPayments } from "./payments.ts";

const behaviour = { costsFen: new Map([["TEA-1", 700]]), lenient: false, couponMs: 0, nowMs: () => 0 };
const payments = createPayments(behaviour);

async function pay(url: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${url}/payments`, { method: "POST", body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

test("a total that covers the cost is taken, one fen less is not", () =>
  serving(payments, async (url) => {
    expect(await pay(url, { sku: "TEA-1", total: 700, currency: "CNY" })).toMatchObject({ status: 201 });
    expect(await pay(url, { sku: "TEA-1", total: 699, currency: "CNY" })).toEqual({
      status: 422,
      body: { reason: "below-cost" },
    });
  }));

test("an article or a currency that nobody knows is refused by its name", () =>
  serving(payments, async (url) => {
    expect((await pay(url, { sku: "TEA-2", total: 700, currency: "CNY" })).body).toEqual({ reason: "unknown-article" });
    expect((await pay(url, { sku: "TEA-1", total: 700, currency: "EUR" })).body).toEqual({
      reason: "unknown-currency",
    });
  }));

test("what is no payment is refused before any cost is looked at", () =>
  serving(payments, async (url) => {
    for (const body of [null, [], "x", { sku: "TEA-1", total: 700 }, { sku: "TEA-1", total: -1, currency: "CNY" }]) {
      expect((await pay(url, body)).status).toBe(400);
    }
    expect((await pay(url, { sku: "x".repeat(20_000), total: 1, currency: "CNY" })).status).toBe(400);
    expect((await fetch(`${url}/payments`)).status).toBe(404);
  }));

test("a lenient payment side takes what is under cost, and says what concerns it", () =>
  serving(createPayments({ ...behaviour, lenient: true }), async (url) => {
    expect(await pay(url, { sku: "TEA-1", total: 1, currency: "CNY" })).toMatchObject({
      status: 201,
      body: { concern: "below-cost" },
    });
    expect((await pay(url, { sku: "TEA-1", total: 700, currency: "CNY" })).body).toMatchObject({ concern: null });
    expect((await pay(url, { sku: "TEA-1", total: 1, currency: "EUR" })).status).toBe(422);
  }));

test("an outage refuses every payment until its time is over", () => {
  let nowMs = 1_000;
  return serving(createPayments({ ...behaviour, nowMs: () => nowMs }), async (url) => {
    await fetch(`${url}/outage?ms=500`, { method: "POST" });
    nowMs = 1_499;
    expect((await pay(url, { sku: "TEA-1", total: 700, currency: "CNY" })).status).toBe(503);
    nowMs = 1_500;
    expect((await pay(url, { sku: "TEA-1", total: 700, currency: "CNY" })).status).toBe(201);
  });
});

test("a coupon has a worth", () =>
  serving(payments, async (url) => {
    expect(await (await fetch(`${url}/coupons/C-1`)).json()).toEqual({ worth: "-10 %" });
  }));
