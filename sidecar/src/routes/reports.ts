import type { OutcomeBatch } from "@sluice/core/api";
import { confirmationBatchSchema, limits, outcomeBatchSchema, paths } from "@sluice/core/api";
import { Hono } from "hono";
import type { Registry } from "../followers/registry.ts";
import { jsonBody } from "./body.ts";

/** What reports are handed to. */
export interface ReportDependencies {
  /** At the origin the guard, at a sidecar what merges batches on their way up. */
  readonly outcomes: { receive(batch: OutcomeBatch): Promise<void> | void };
  readonly registry: Pick<Registry, "receive">;
  /** Default 4 MiB. */
  readonly bodyBytesMax?: number;
}

/** `POST /v1/outcomes` and `POST /v1/confirmations`, answered 202 when they are taken. */
export function createReportRoutes(dependencies: ReportDependencies): Hono {
  const { outcomes, registry, bodyBytesMax = limits.bodyBytesMax } = dependencies;
  const app = new Hono();

  app.post(paths.outcomes, async (context) => {
    await outcomes.receive(await jsonBody(context, outcomeBatchSchema, bodyBytesMax, JSON.parse));
    return context.body(null, 202);
  });

  app.post(paths.confirmations, async (context) => {
    registry.receive(await jsonBody(context, confirmationBatchSchema, bodyBytesMax, JSON.parse));
    return context.body(null, 202);
  });

  return app;
}
