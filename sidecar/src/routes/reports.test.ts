import { SluiceError } from "@sluice/core";
import type { ConfirmationBatch, OutcomeBatch } from "@sluice/core/api";
import { paths } from "@sluice/core/api";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createApp } from "../app.ts";
import { createReportRoutes } from "./reports.ts";

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

function create(receive: (batch: OutcomeBatch) => Promise<void> | void = () => undefined): {
  confirmations: ConfirmationBatch[];
  readonly post: (path: string, body: string, type?: string, headers?: Record<string, string>) => Promise<Answer>;
} {
  const confirmations: ConfirmationBatch[] = [];
  const routes = [
    createReportRoutes({
      outcomes: { receive },
      registry: { receive: (batch) => confirmations.push(batch) },
      instance: "instance-2",
      bodyBytesMax: 1_000,
    }),
  ];
  const app = createApp({ logger: pino({ level: "silent" }), routes });
  return {
    confirmations,
    async post(path, body, type = "application/json", headers = {}) {
      const response = await app.request(path, { method: "POST", body, headers: { "content-type": type, ...headers } });
      const text = await response.text();
      return { status: response.status, code: text === "" ? undefined : (JSON.parse(text) as { code: string }).code };
    },
  };
}

const batch: OutcomeBatch = { reporter: "a", sequence: 1, reports: [] };
const confirmed: ConfirmationBatch = {
  confirmations: [{ follower: "f", applied: 3, reverted: ["r"], prepared: [] }],
  children: { of: "s", followers: [{ id: "f", name: "shop", kind: "sdk" }] },
};

test("outcomes are handed on as they came, and answered when they are taken", async () => {
  const taken: OutcomeBatch[] = [];
  const { post } = create((received) => void taken.push(received));
  expect(await post(paths.outcomes, JSON.stringify(batch))).toEqual({ status: 202, code: undefined });
  expect(taken).toEqual([batch]);
});

test("outcomes that cannot be taken are answered with the reason", async () => {
  const { post } = create(() => Promise.reject(new SluiceError("NOT_READY", "try again")));
  expect(await post(paths.outcomes, JSON.stringify(batch))).toEqual({ status: 503, code: "NOT_READY" });
});

const meantFor = (instance: string): Record<string, string> => ({ "sluice-instance": instance });

test("outcomes that were meant for the process before this one are refused: it may have counted them", async () => {
  const taken: OutcomeBatch[] = [];
  const { post, confirmations } = create((received) => void taken.push(received));
  const send = (instance: string): Promise<Answer> =>
    post(paths.outcomes, JSON.stringify(batch), "application/json", meantFor(instance));
  expect(await send("instance-1")).toEqual({ status: 409, code: "CONFLICT" });
  expect(taken).toEqual([]);
  expect(await send("instance-2")).toMatchObject({ status: 202 });
  expect(taken).toEqual([batch]);
  await post(paths.confirmations, JSON.stringify(confirmed), "application/json", meantFor("instance-1"));
  expect(confirmations).toEqual([confirmed]);
});

test("confirmations reach the registry as they came", async () => {
  const { post, confirmations } = create();
  expect(await post(paths.confirmations, JSON.stringify(confirmed))).toEqual({ status: 202, code: undefined });
  expect(confirmations).toEqual([confirmed]);
});

test.each([
  ["truncated", '{"reporter":"a"', "application/json", { status: 400, code: "INVALID_JSON" }],
  ["of another type", "reporter=a", "text/plain", { status: 415, code: "UNSUPPORTED_MEDIA_TYPE" }],
  ["of another shape", '{"reporter":"a"}', "application/json", { status: 400, code: "VALIDATION" }],
  ["over the limit", " ".repeat(1_001), "application/json", { status: 413, code: "LIMIT_EXCEEDED" }],
])("a batch that is %s is refused and reaches nobody", async (_what, body, type, answer) => {
  const taken: OutcomeBatch[] = [];
  const { post, confirmations } = create((received) => void taken.push(received));
  expect(await post(paths.outcomes, body, type)).toEqual(answer);
  expect(await post(paths.confirmations, body, type)).toEqual(answer);
  expect([taken, confirmations]).toEqual([[], []]);
});
