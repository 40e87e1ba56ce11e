import { limits, reasonBodySchema, routes } from "@sluice/core/api";
import { Hono } from "hono";
import type { Here } from "../here.ts";
import type { Receipts } from "../receipts.ts";
import { actorOf, waitMsOf } from "./answer.ts";
import { jsonBody } from "./body.ts";

/** What concerns this host alone, with the store and the origin dead too. */
export function createHereRoutes(dependencies: { here: Here; receipts: Pick<Receipts, "settled"> }): Hono {
  const { here, receipts } = dependencies;
  const app = new Hono();
  const actions = [
    [routes.revertHere.path, "revert", "here-revert"],
    [routes.liftHere.path, "lift", "here-lift"],
  ] as const;
  for (const [path, verb, action] of actions) {
    app.post(path, async (context) => {
      const { reason } = await jsonBody(context, reasonBodySchema, limits.bodyBytesMax);
      const answer = await here[verb](context.req.param("dataset") ?? "", actorOf(context), reason);
      const waitMs = waitMsOf(context);
      if (waitMs === 0 || answer.release === null || answer.receipt === null) return context.json(answer);
      return context.json({ ...answer, receipt: (await receipts.settled(answer.release, action, waitMs)) ?? null });
    });
  }
  return app;
}
