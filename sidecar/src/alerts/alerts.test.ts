import type { AlertsAnswer } from "@sluice/core/api";
import { describe, expect, test } from "vitest";
import { createTestOrigin } from "../origin.testing.ts";
import { createMemoryDisk, type WriteFate } from "../store/memory-store.ts";
import {
  cart,
  changed,
  checkout,
  items,
  later,
  logOf,
  paged,
  prices,
  releaseAgain,
  running,
  send,
  webhook,
} from "./alerts.testing.ts";
import { idleRecordsPerHourMax } from "./recorder.ts";

describe("whom an alert concerns", () => {
  test("the plan's rules say which alerts hold and which revert; revert outranks hold", async () => {
    const origin = await running();
    await send(origin, [cart]);
    expect((await prices(origin)).release?.hold?.by).toMatchObject({ kind: "alert" });
    await send(origin, [paged]);
    expect((await prices(origin)).lastRevert).toMatchObject({
      by: { kind: "alert", name: "Errors" },
      cause: { reason: 'alert Errors is firing (service="cart", severity="page")' },
    });
  });

  test("in one message a revert outranks the hold of another alert, which is said and does not happen", async () => {
    const origin = await running();
    const answer = await send(origin, [cart, paged]);
    expect(answer.alerts.map(({ effects }) => effects.map(({ action, outcome }) => [action, outcome]))).toEqual([
      [],
      [["revert", "done"]],
    ]);
    expect(answer.alerts[0]?.reasons.join()).toContain("outranked: Errors reverts it");
    expect(await logOf(origin, "release-held")).toEqual([]);
  });

  test("one that concerns nothing is answered 202 with the matcher that kept it from that, and recorded", async () => {
    const origin = await running();
    const answer = await send(origin, [{ alertname: "DiskFull", service: "search" }]);
    expect(answer.alerts[0]).toMatchObject({ effects: [] });
    expect(answer.alerts[0]?.reasons).toEqual([
      'v2 of prices: no rule of its plan matches (service=~"checkout|cart" against "search"; severity="page" against "")',
    ]);
    expect((await prices(origin)).release).not.toBeNull();
    expect(await logOf(origin, "alert-received")).toMatchObject([
      { event: { name: "DiskFull", status: "firing", action: "none", release: null } },
    ]);
  });

  test("a plan without rules is concerned by the label that names its dataset", async () => {
    const origin = await running({ plan: {} });
    await send(origin, [{ alertname: "Errors", sluice_dataset: "stock" }]);
    expect((await prices(origin)).release).not.toBeNull();
    await send(origin, [{ alertname: "Errors", sluice_dataset: "prices" }]);
    expect((await prices(origin)).lastRevert?.by).toEqual({ kind: "alert", name: "Errors" });
  });

  test("a group of a thousand alerts is one revert", async () => {
    const origin = await running();
    const { alerts } = await send(
      origin,
      Array.from({ length: 1_000 }, (_, index) => ({ ...paged, pod: `pod-${index}` })),
    );
    expect(alerts).toHaveLength(1_000);
    expect(await logOf(origin, "release-reverted")).toHaveLength(1);
    // The log is kept for ever: the one that did it, and a few of the others.
    expect(await logOf(origin, "alert-received")).toHaveLength(idleRecordsPerHourMax + 1);
  });

  test("a rule with an expression that RE2 does not take is refused at the door, at its place", async () => {
    const origin = await createTestOrigin({ items });
    const alerts = [{ matchers: ["a=1", "service=~(?=x)x"], action: "revert" }];
    const created = await origin.post("/v1/datasets", { name: "stock", plan: { alerts } });
    await origin.publish("prices", changed);
    const started = await origin.post("/v1/datasets/prices/release", { plan: { alerts } });
    for (const response of [created, started]) {
      expect(response.status).toBe(400);
      const { code, details } = (await response.json()) as { code: string; details: { problems: object[] } };
      expect(code).toBe("VALIDATION");
      expect(details.problems).toMatchObject([{ path: "/plan/alerts/0/matchers/1" }]);
    }
    expect((await prices(origin)).release).toBeNull();
  });
});

describe("an alert that ends", () => {
  test("lets go what it held, and the plan goes on", async () => {
    const origin = await running();
    await send(origin, [cart]);
    await send(origin, [{ ...cart, status: "resolved" }]);
    expect((await prices(origin)).release?.hold).toBeNull();
    expect(await logOf(origin, "release-resumed")).toMatchObject([{ event: { reason: "alert Slow is resolved" } }]);
  });

  test("lets go nothing of another alert of the same name", async () => {
    const origin = await running();
    await send(origin, [checkout]);
    const answer = await send(origin, [{ ...cart, status: "resolved" }]);
    expect(answer.alerts[0]).toMatchObject({ effects: [], reasons: ["it holds nothing"] });
    expect((await prices(origin)).release?.hold?.cause.reason).toContain('service="checkout"');
  });

  test("tells alerts apart by Alertmanager's fingerprint where there is one", async () => {
    const origin = await running();
    await send(origin, [{ ...cart, fingerprint: "8d3f21c9aa00b1e2" }]);
    expect((await prices(origin)).release?.hold?.by.name).toBe("Slow 8d3f21c9aa00b1e2");
  });

  test("hands the hold to another one that still fires and wants it", async () => {
    const origin = await running();
    await send(origin, [cart, checkout]);
    await send(origin, [{ ...cart, status: "resolved" }]);
    expect((await prices(origin)).release?.hold?.cause.reason).toContain('service="checkout"');
    await send(origin, [{ ...checkout, status: "resolved" }]);
    expect((await prices(origin)).release?.hold).toBeNull();
  });

  test("does not give the hold to one that a person has overruled meanwhile", async () => {
    const origin = await running();
    await send(origin, [cart]);
    const { id = "" } = (await prices(origin)).release ?? {};
    await origin.post(`/v1/releases/${id}/resume`, {});
    await send(origin, [checkout]);
    await send(origin, [{ ...checkout, status: "resolved" }]);
    expect((await prices(origin)).release?.hold).toBeNull();
  });

  test("leaves a person's hold alone", async () => {
    const origin = await running();
    const { id = "" } = (await prices(origin)).release ?? {};
    await origin.post(`/v1/releases/${id}/hold`, { reason: "wait" }, { "sluice-actor": "anna" });
    await send(origin, [cart]);
    await send(origin, [{ ...cart, status: "resolved" }]);
    expect((await prices(origin)).release?.hold?.by).toEqual({ kind: "person", name: "anna" });
  });

  test("reverts nothing, and does not undo a revert", async () => {
    const origin = await running();
    await send(origin, [{ ...paged, status: "resolved" }]);
    expect((await prices(origin)).release).not.toBeNull();
    await send(origin, [paged]);
    await send(origin, [{ ...paged, status: "resolved" }]);
    expect(await prices(origin)).toMatchObject({ release: null, stable: { number: 1 } });
  });

  test("is not the end of the same alert that has begun again since", async () => {
    const origin = await running();
    await send(origin, [{ ...cart, startsAt: later }]);
    const answer = await send(origin, [{ ...cart, status: "resolved" }]);
    expect(answer.alerts[0]?.reasons.join()).toContain("it fires again since");
    expect((await prices(origin)).release?.hold).not.toBeNull();
  });

  test("lets go over a restart of the origin", async () => {
    const disk = createMemoryDisk();
    const first = await running({ store: { id: "log-1", disk } });
    await send(first, [cart]);
    await first.origin.close();
    const second = await createTestOrigin({ store: { id: "log-1", disk }, clock: first.clock });
    await send(second, [{ ...cart, status: "resolved" }]);
    expect((await prices(second)).release?.hold).toBeNull();
  });
});

describe("an alert that is sent again while it fires", () => {
  test("changes nothing and is recorded once", async () => {
    const origin = await running();
    for (let times = 0; times < 5; times++) await send(origin, [cart]);
    expect(await logOf(origin, "alert-received")).toHaveLength(1);
    const answer = await send(origin, [cart]);
    expect(answer.alerts[0]?.reasons.join()).toContain("a repetition changes nothing");
  });

  test("does not hold again what a person let go", async () => {
    const origin = await running();
    await send(origin, [cart]);
    const { id = "" } = (await prices(origin)).release ?? {};
    await origin.post(`/v1/releases/${id}/resume`, {});
    await send(origin, [cart]);
    expect((await prices(origin)).release?.hold).toBeNull();
    await send(origin, [{ ...cart, startsAt: later }]);
    expect((await prices(origin)).release?.hold).not.toBeNull();
  });

  test("does not revert the release that came after: it fired before that began", async () => {
    const origin = await running();
    await send(origin, [paged]);
    const next = await releaseAgain(origin);
    await send(origin, [paged]);
    expect((await prices(origin)).release?.id).toBe(next);
    await send(origin, [{ ...paged, startsAt: later }]);
    expect((await prices(origin)).release).toBeNull();
  });

  test("is known over a restart", async () => {
    const disk = createMemoryDisk();
    const first = await running({ store: { id: "log-1", disk } });
    await send(first, [paged]);
    await first.origin.close();
    const second = await createTestOrigin({ store: { id: "log-1", disk }, clock: first.clock });
    const next = await releaseAgain(second);
    await send(second, [paged]);
    expect((await prices(second)).release?.id).toBe(next);
    expect(await logOf(second, "alert-received")).toHaveLength(1);
  });

  test("is no repetition where nothing came of the first time", async () => {
    let fates: WriteFate[] = [];
    const fate = (): WriteFate => fates.shift() ?? { durable: true, answer: "ok" };
    const origin = await running({ store: { id: "log-1", fate } });
    fates = [{ durable: false, answer: "STORE_UNAVAILABLE" }];
    expect((await origin.post("/v1/alerts/alertmanager", webhook([cart]))).status).toBe(503);
    await send(origin, [cart]);
    expect((await prices(origin)).release?.hold).not.toBeNull();
  });
});

test("alerts that concern nothing cannot fill a log that is kept for ever", async () => {
  const origin = await running();
  const noise = Array.from({ length: 100 }, (_, index) => ({ alertname: `Noise${index}`, service: "search" }));
  await send(origin, noise);
  expect(await logOf(origin, "alert-received")).toHaveLength(idleRecordsPerHourMax);
  await send(origin, [cart]);
  expect(await logOf(origin, "alert-received")).toHaveLength(idleRecordsPerHourMax + 1);
});

test("what Alertmanager left out is said in the answer and in the log", async () => {
  const origin = await running();
  expect((await send(origin, [cart], { truncatedAlerts: 7 })).truncated).toBe(7);
  expect(await logOf(origin, "alert-received")).toMatchObject([{ event: { truncated: 7 } }]);
});

test("one alert that cannot be read does not lose the one beside it", async () => {
  const origin = await running();
  const body = webhook([paged]) as { alerts: object[] };
  body.alerts.unshift({ status: "firing", labels: { alertname: "Odd", note: "x".repeat(5_000) } });
  const answer = (await (await origin.post("/v1/alerts/alertmanager", body)).json()) as AlertsAnswer;
  expect(answer).toMatchObject({ received: 2, refused: [{ index: 0 }] });
  expect(answer.refused[0]?.reason).toContain("/labels/note");
  expect((await prices(origin)).release).toBeNull();
});

test("another version of the webhook is refused: what it means is not known", async () => {
  const origin = await running();
  expect((await origin.post("/v1/alerts/alertmanager", { ...webhook([paged]), version: "5" })).status).toBe(400);
  expect((await prices(origin)).release).not.toBeNull();
});
