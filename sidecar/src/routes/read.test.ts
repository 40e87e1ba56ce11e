import { emptyState } from "@sluice/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createApp } from "../app.ts";
import { createReadRoutes } from "./read.ts";

async function readUnknown(silence: string | null): Promise<unknown> {
  const app = createApp({
    logger: pino({ level: "silent" }),
    routes: [
      createReadRoutes({
        state: () => emptyState,
        lines: () => ({ stable: null, candidate: null }),
        marked: () => false,
        leaseHeld: () => false,
        silence: () => silence,
      }),
    ],
  });
  const response = await app.request("http://127.0.0.1/v1/datasets/prices/items/sku-1");
  return { status: response.status, ...((await response.json()) as { code: string; detail: string }) };
}

test("a follower that never had contact does not say that a dataset is unknown", async () => {
  expect(await readUnknown("no contact yet with http://origin:7070")).toMatchObject({
    status: 503,
    code: "NOT_READY",
    detail: "nothing is known of prices here: no contact yet with http://origin:7070",
  });
  expect(await readUnknown(null)).toMatchObject({ status: 404, code: "DATASET_UNKNOWN" });
});
