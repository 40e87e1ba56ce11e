import { describe, expect, test } from "vitest";
import { createTestOrigin } from "../origin.testing.ts";
import { cart, items, paged, prices, releaseAgain, running, send, sendPlain, webhook } from "./alerts.testing.ts";

describe("a plain alert", () => {
  test("goes through the plans' rules with its labels, its name among them", async () => {
    const origin = await running({
      plan: { alerts: [{ matchers: ["alertname=~Pay.*", "shop=cn"], action: "revert" }] },
    });
    await sendPlain(origin, { name: "Payments", labels: { shop: "jp" } });
    expect((await prices(origin)).release).not.toBeNull();
    await sendPlain(origin, { name: "Payments", labels: { shop: "cn" }, reason: "acquirer declines all" });
    expect((await prices(origin)).lastRevert).toMatchObject({
      by: { kind: "alert", name: "Payments" },
      cause: { reason: expect.stringContaining("acquirer declines all") },
    });
  });

  test("names its dataset and what to do with it, whatever the plan's rules are", async () => {
    const origin = await running();
    await sendPlain(origin, { name: "probe", dataset: "prices", action: "hold" });
    expect((await prices(origin)).release?.hold?.by.name).toMatch(/^probe [0-9a-f]{16}$/);
    await sendPlain(origin, { name: "probe", dataset: "prices", action: "hold", status: "resolved" });
    expect((await prices(origin)).release?.hold).toBeNull();
    await sendPlain(origin, { name: "probe", dataset: "prices", action: "revert" });
    expect((await prices(origin)).release).toBeNull();
  });

  test("says that nothing runs, that there is no such dataset, that one of two is missing", async () => {
    const origin = await createTestOrigin({ items });
    const { alerts } = await sendPlain(origin, { name: "probe", dataset: "prices", action: "revert" });
    expect(alerts[0]?.reasons).toEqual(["nothing runs or bakes on prices"]);
    const unknown = await origin.post("/v1/alerts", { name: "probe", dataset: "nothing", action: "revert" });
    expect(unknown.status).toBe(404);
    const half = await origin.post("/v1/alerts", { name: "probe", dataset: "prices" });
    expect(half.status).toBe(400);
  });

  test("that goes from hold to revert reverts, and one that fires on acts on the next release too", async () => {
    const origin = await running();
    const body = { name: "probe", dataset: "prices" };
    await sendPlain(origin, { ...body, action: "hold" });
    await sendPlain(origin, { ...body, action: "revert" });
    expect((await prices(origin)).release).toBeNull();
    await releaseAgain(origin);
    // Its sender does not say since when: it says that it fires now.
    await sendPlain(origin, { ...body, action: "revert" });
    expect((await prices(origin)).release).toBeNull();
  });

  test("would do what it says it would", async () => {
    const origin = await running();
    const { alerts } = await sendPlain(origin, { name: "probe", dataset: "prices", action: "revert" }, "?dryRun=true");
    expect(alerts[0]?.effects).toMatchObject([{ action: "revert", outcome: "would", rule: null }]);
    expect((await prices(origin)).release).not.toBeNull();
  });
});

describe("asked what it would do", () => {
  test("it says it, with the rule, and does nothing", async () => {
    const origin = await running();
    const { sequence } = await origin.status();
    const { dryRun, alerts } = await send(origin, [paged, { alertname: "X" }], {}, "?dryRun=true");
    expect(dryRun).toBe(true);
    expect(alerts[0]?.effects).toMatchObject([
      {
        dataset: "prices",
        publish: 2,
        action: "revert",
        outcome: "would",
        rule: 'severity="page", service=~"checkout|cart"',
      },
    ]);
    expect(alerts[1]).toMatchObject({ effects: [], reasons: [expect.stringContaining("no rule of its plan matches")] });
    expect((await origin.status()).sequence).toBe(sequence);
    await send(origin, [paged]);
    expect((await prices(origin)).release).toBeNull();
  });

  test("it says what a resolved alert would let go, and that a repetition would do nothing", async () => {
    const origin = await running();
    await send(origin, [cart]);
    const resolved = await send(origin, [{ ...cart, status: "resolved" }], {}, "?dryRun=true");
    expect(resolved.alerts[0]?.effects).toMatchObject([{ action: "resume", outcome: "would" }]);
    expect((await send(origin, [cart], {}, "?dryRun=true")).alerts[0]?.effects).toEqual([]);
    expect((await prices(origin)).release?.hold).not.toBeNull();
  });

  test("a word that is none is refused, not taken for the real thing", async () => {
    const origin = await running();
    expect((await origin.post("/v1/alerts/alertmanager?dryRun=yes", webhook([paged]))).status).toBe(400);
    expect((await prices(origin)).release).not.toBeNull();
  });
});
