import { limits, paths } from "@sluice/core/api";
import { Hono } from "hono";
import type { Alert, AlertsAnswer } from "../alerts.ts";
import { webhookSchema } from "../alerts.ts";
import { jsonBody } from "./body.ts";

/** Alertmanager's webhook. Answered 202 whether an alert concerns a release or not. */
export function createAlertRoutes(alerts: { receive(alerts: readonly Alert[]): Promise<AlertsAnswer> }): Hono {
  const app = new Hono();
  app.post(paths.alertmanager, async (context) => {
    const body = await jsonBody(context, webhookSchema, limits.bodyBytesMax, JSON.parse);
    return context.json(await alerts.receive(body.alerts), 202);
  });
  return app;
}
