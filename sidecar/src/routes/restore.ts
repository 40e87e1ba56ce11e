import { restoredName } from "@sluice/core";
import type { RestoreAnswer } from "@sluice/core/api";
import { idempotencyHeader, limits, restoreBodySchema, routes } from "@sluice/core/api";
import { Hono } from "hono";
import type { Executed } from "../commands.ts";
import type { Restorer } from "../restore/restorer.ts";
import type { CommandRouteDependencies } from "./answer.ts";
import { actorOf, commandAnswer, receiptOf, withWaiting } from "./answer.ts";
import { jsonBody } from "./body.ts";

/** An older version comes back. */
export function createRestoreRoutes(dependencies: CommandRouteDependencies & { readonly restorer: Restorer }): Hono {
  const { once, restorer } = dependencies;
  const app = new Hono();

  app.post(routes.restore.path, async (context) => {
    const body = await jsonBody(context, restoreBodySchema, limits.bodyBytesMax);
    const dataset = context.req.param("dataset") ?? "";
    const answer = await once.run(
      context.req.header(idempotencyHeader),
      JSON.stringify(["restore", dataset, body]),
      async (remember) => restoreAnswer(await restorer.restore({ ...body, dataset, by: actorOf(context), remember })),
      restoreAnswer,
    );
    const { restored, release } = answer;
    const name = restored === null ? release : restoredName(dataset, restored.number);
    const action = restored === null ? "revert" : "restore";
    return context.json({
      ...withWaiting(answer, dependencies, dataset),
      receipt: name === null ? null : await receiptOf(context, dependencies, name, action),
    });
  });

  return app;
}

function restoreAnswer(executed: Executed): RestoreAnswer {
  const { events } = executed;
  let release: string | null = null;
  let restored: RestoreAnswer["restored"] = null;
  for (const { event } of events) {
    if (event.type === "release-reverted") ({ release } = event);
    if (event.type !== "version-restored") continue;
    const { number, restored: version, mode, dropped, cause } = event;
    restored = { number, version, mode, dropped, reason: cause.reason };
  }
  const answer = commandAnswer(executed);
  return { ...answer, release: release ?? answer.release, restored };
}
