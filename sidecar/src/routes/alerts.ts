import type { AlertsAnswer, WebhookAlert } from "@sluice/core/api";
import {
  alertWebhookSchema,
  limits,
  plainAlertSchema,
  problemMediaType,
  routes,
  webhookAlertSchema,
} from "@sluice/core/api";
import { isSluiceError, SluiceError } from "@sluice/core";
import type { Context, MiddlewareHandler } from "hono";
import { Hono } from "hono";
import type { Logger } from "pino";
import type { Alert } from "../alerts/alert.ts";
import { alertOfPlain, alertOfWebhook } from "../alerts/alert.ts";
import type { Alerts } from "../alerts/alerts.ts";
import type { SecretSource } from "../alerts/secret.ts";
import { isOneOf } from "../alerts/secret.ts";
import { problemOf } from "../problems.ts";
import { jsonBody } from "./body.ts";

/** What the routes of alerts need. */
export interface AlertRouteDependencies {
  readonly alerts: Alerts;
  /** Who sends alerts has one of these; null lets everybody. */
  readonly token: SecretSource | null;
  readonly logger: Logger;
}

/** How many alerts one answer has. */
const answeredMax = 1_000;

/**
 * Alertmanager's webhook, and the plain form for everything else; with `?dryRun=true` they say what they would do. Answered 202
 * whether an alert concerns a release or not.
 */
export function createAlertRoutes({ alerts, token, logger }: AlertRouteDependencies): Hono {
  const app = new Hono();
  if (token !== null) app.on("POST", [routes.alertmanager.path, routes.alert.path], bearer(token));

  async function answer(
    context: Context,
    message: { read: readonly Alert[]; refused: AlertsAnswer["refused"]; truncated: number },
  ): Promise<Response> {
    const { read, refused, truncated } = message;
    const dryRun = dryRunOf(context);
    if (!dryRun && refused.length > 0)
      logger.warn({ refused: refused.slice(0, 10), of: refused.length }, "alerts could not be read");
    if (!dryRun && truncated > 0) logger.warn({ truncated }, "alerts were left out by their sender; see max_alerts");
    const answers = await (dryRun ? alerts.preview(read) : receive(alerts, read, truncated));
    const whole: AlertsAnswer = {
      dryRun,
      received: read.length + refused.length,
      truncated,
      refused: refused.slice(0, answeredMax),
      alerts: answers.slice(0, answeredMax),
    };
    return context.json(whole, 202);
  }

  app.post(routes.alertmanager.path, async (context) => {
    const body = await jsonBody(context, alertWebhookSchema, limits.bodyBytesMax, JSON.parse);
    const tried = body.alerts.map((alert) => webhookAlertSchema.safeParse(alert));
    const refused = tried.flatMap(({ error }, index) => {
      const issue = error?.issues[0];
      return issue === undefined ? [] : [{ index, reason: `/${issue.path.join("/")}: ${issue.message}` }];
    });
    const read = tried.flatMap(({ data }: { data?: WebhookAlert | undefined }) =>
      data === undefined ? [] : [alertOfWebhook(data)],
    );
    return answer(context, { read, refused, truncated: body.truncatedAlerts });
  });

  app.post(routes.alert.path, async (context) => {
    const body = await jsonBody(context, plainAlertSchema, limits.bodyBytesMax);
    return answer(context, { read: [alertOfPlain(body)], refused: [], truncated: 0 });
  });

  return app;
}

/** What an instance that shuts down does not do is to be sent again, which Alertmanager does after a 5xx alone. */
async function receive(alerts: Alerts, read: readonly Alert[], truncated: number): ReturnType<Alerts["receive"]> {
  try {
    return await alerts.receive(read, truncated);
  } catch (error) {
    if (!isSluiceError(error, "CLOSED")) throw error;
    throw new SluiceError("NOT_READY", `${error.message}; send it again`, { cause: error });
  }
}

function dryRunOf(context: Context): boolean {
  const given = context.req.query("dryRun") ?? "false";
  if (given === "true" || given === "false") return given === "true";
  throw new SluiceError("VALIDATION", `the query: dryRun is true or false, not ${given}`);
}

/** Lets through what carries one of the tokens. */
function bearer(token: SecretSource): MiddlewareHandler {
  return async (context, next) => {
    const came = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (came !== undefined && isOneOf(await token.read(), came)) return next();
    const problem = problemOf(
      new SluiceError("UNAUTHORIZED", "alerts are taken with a token alone: authorization: Bearer TOKEN"),
    );
    return context.body(JSON.stringify(problem), 401, {
      "content-type": problemMediaType,
      "www-authenticate": `Bearer realm="sluice alerts"${came === undefined ? "" : ', error="invalid_token"'}`,
    });
  };
}
