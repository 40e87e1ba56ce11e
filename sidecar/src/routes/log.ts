import { paths } from "@sluice/core/api";
import { Hono } from "hono";
import { z } from "zod";
import { parseInput } from "../problems.ts";
import type { EventLog } from "../store/port.ts";

const querySchema: z.ZodType<{ from: number; dataset?: string | undefined; limit: number }> = z.object({
  from: z.coerce.number().int().min(0).default(0),
  dataset: z.string().max(63).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
});

/** The audit trail: control events as NDJSON, oldest first, after `from`; without `from` the newest `limit`. */
export function createLogRoutes(dependencies: { readonly log: Pick<EventLog, "readControl"> }): Hono {
  const app = new Hono();
  app.get(paths.log, async (context) => {
    const { from, dataset, limit } = parseInput(querySchema, context.req.query(), "the query");
    const events = await dependencies.log.readControl({
      ...(context.req.query("from") === undefined ? {} : { after: from }),
      ...(dataset === undefined ? {} : { dataset }),
      limit,
    });
    context.header("content-type", "application/x-ndjson");
    return context.body(events.map((logged) => `${JSON.stringify(logged)}\n`).join(""));
  });
  return app;
}
