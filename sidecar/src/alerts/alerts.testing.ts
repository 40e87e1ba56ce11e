import type { LoggedEvent } from "@sluice/core";
import type { AlertsAnswer, DatasetStatus } from "@sluice/core/api";
import { expect } from "vitest";
import { createTestOrigin, pricedItems, type TestOrigin } from "../origin.testing.ts";

export const items: Readonly<Record<string, unknown>> = pricedItems(50);
export const changed: Readonly<Record<string, unknown>> = { ...items, "sku-1": { price: 55, currency: "CNY" } };

export interface Given {
  status?: "firing" | "resolved";
  startsAt?: string;
  fingerprint?: string;
  [label: string]: string | undefined;
}

const night = "2026-11-11T00:03:00.000Z";
export const later = "2026-11-11T00:20:00.000Z";

/** An alert as Alertmanager has it, of labels and the three fields beside them. */
function alert({ status = "firing", startsAt = night, fingerprint, ...labels }: Given): object {
  return {
    status,
    labels,
    annotations: { summary: "too many errors" },
    startsAt,
    endsAt: "0001-01-01T00:00:00Z",
    generatorURL: "http://prometheus/graph",
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}

export function webhook(alerts: readonly Given[], more: object = {}): object {
  return {
    version: "4",
    groupKey: '{}:{alertname="Errors"}',
    truncatedAlerts: 0,
    status: "firing",
    receiver: "sluice",
    groupLabels: { alertname: "Errors" },
    commonLabels: {},
    commonAnnotations: {},
    externalURL: "http://alertmanager",
    alerts: alerts.map(alert),
    ...more,
  };
}

export async function send(
  origin: TestOrigin,
  alerts: readonly Given[],
  more: object = {},
  query = "",
): Promise<AlertsAnswer> {
  const response = await origin.post(`/v1/alerts/alertmanager${query}`, webhook(alerts, more));
  expect(response.status).toBe(202);
  return (await response.json()) as AlertsAnswer;
}

export async function prices(origin: TestOrigin): Promise<DatasetStatus> {
  const [status] = (await origin.status()).datasets;
  if (status === undefined) throw new Error("there is a dataset");
  return status;
}

export async function logOf(
  origin: TestOrigin,
  type: string,
): Promise<(LoggedEvent & { event: Record<string, unknown> })[]> {
  const text = await (await origin.request("/v1/log")).text();
  const lines = text.trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as LoggedEvent & { event: Record<string, unknown> })
    .filter(({ event }) => event.type === type);
}

const plan: Readonly<Record<string, unknown>> = {
  steps: [{ thousandths: 5_000, holdMs: 600_000 }],
  alerts: [
    { matchers: ['service=~"checkout|cart"'], action: "hold" },
    { matchers: ['severity="page"', 'service=~"checkout|cart"'], action: "revert" },
  ],
};

export async function running(options: Parameters<typeof createTestOrigin>[0] = {}): Promise<TestOrigin> {
  const origin = await createTestOrigin({ items, plan, ...options });
  await origin.publish("prices", changed, "?release=true");
  return origin;
}

/** Publishes and releases once more after a revert. */
export async function releaseAgain(origin: TestOrigin): Promise<string | undefined> {
  await origin.publish("prices", { ...items, "sku-2": { price: 66, currency: "CNY" } }, "?release=true");
  return (await prices(origin)).release?.id;
}

export const cart = { alertname: "Slow", service: "cart" };
export const checkout = { alertname: "Slow", service: "checkout" };
export const paged = { alertname: "Errors", service: "cart", severity: "page" };

/** Sends a plain alert. */
export async function sendPlain(origin: TestOrigin, body: object, query = ""): Promise<AlertsAnswer> {
  return (await (await origin.post(`/v1/alerts${query}`, body)).json()) as AlertsAnswer;
}
