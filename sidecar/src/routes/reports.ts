import type { OutcomeBatch } from "@sluice/core/api";
import { SluiceError } from "@sluice/core";
import { confirmationBatchSchema, instanceHeader, limits, outcomeBatchSchema, paths } from "@sluice/core/api";
import type { Context } from "hono";
import { Hono } from "hono";
import type { Registry } from "../followers/registry.ts";
import { jsonBody } from "./body.ts";

/** What reports are handed to. */
export interface ReportDependencies {
  /** At the origin the guard, at a sidecar what merges batches on their way up. */
  readonly outcomes: { receive(batch: OutcomeBatch): Promise<void> | void };
  readonly registry: Pick<Registry, "receive">;
  /** Name of this instance, new with each start of the process. */
  readonly instance: string;
  /** Default 4 MiB. */
  readonly bodyBytesMax?: number;
}

/** `POST /v1/outcomes` and `POST /v1/confirmations`, answered 202 when they are taken. */
export function createReportRoutes(dependencies: ReportDependencies): Hono {
  const { outcomes, registry, instance, bodyBytesMax = limits.bodyBytesMax } = dependencies;
  const app = new Hono();

  app.post(paths.outcomes, async (context) => {
    refuseOthers(context, instance);
    await outcomes.receive(await jsonBody(context, outcomeBatchSchema, bodyBytesMax, JSON.parse));
    return context.body(null, 202);
  });

  app.post(paths.confirmations, async (context) => {
    registry.receive(await jsonBody(context, confirmationBatchSchema, bodyBytesMax, JSON.parse));
    return context.body(null, 202);
  });

  return app;
}

/**
 * A process that died may have counted a batch before it could answer, and its successor at the same address cannot know.
 * Confirmations may come to anybody: to hear them twice does no harm.
 */
function refuseOthers(context: Context, instance: string): void {
  const meant = context.req.header(instanceHeader) ?? instance;
  if (meant === instance) return;
  throw new SluiceError("CONFLICT", `these outcomes were meant for instance ${meant}, which is gone; drop them`, {
    details: { meant, instance },
  });
}
