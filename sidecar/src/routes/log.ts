import { paths } from "@sluice/core/api";
import { Hono } from "hono";
import { z } from "zod";
import { parseInput } from "../problems.ts";
import type { EventLog } from "../store/port.ts";

const querySchema: z.ZodType<{
  from: number;
  dataset?: string | undefined;
  limit: number;
  shelf: "control" | "patches";
}> = z.object({
  from: z.coerce.number().int().min(0).default(0),
  dataset: z.string().max(63).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  shelf: z.enum(["control", "patches"]).default("control"),
});

/**
 * The audit trail: control events as NDJSON, oldest first, after `from`; without `from` the newest `limit`. With `shelf=patches`
 * what patches did in each minute, which is known for ever; `from` is then compared with the first patch of a minute.
 */
export function createLogRoutes(dependencies: {
  readonly log: Pick<EventLog, "readControl" | "readPatchMinutes">;
}): Hono {
  const app = new Hono();
  app.get(paths.log, async (context) => {
    const { from, dataset, limit, shelf } = parseInput(querySchema, context.req.query(), "the query");
    const query = {
      ...(context.req.query("from") === undefined ? {} : { after: from }),
      ...(dataset === undefined ? {} : { dataset }),
      limit,
    };
    const { log } = dependencies;
    const lines = shelf === "control" ? await log.readControl(query) : await log.readPatchMinutes(query);
    context.header("content-type", "application/x-ndjson");
    return context.body(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  });
  return app;
}
