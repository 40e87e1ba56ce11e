import { isSluiceError, SluiceError } from "@sluice/core";
import { problemMediaType } from "@sluice/core/api";
import { Hono } from "hono";
import type { Logger } from "pino";
import { refuseForeign } from "./foreign.ts";
import { problemOf } from "./problems.ts";

/** Requests in, responses out: what listens, and what a test calls without a socket. */
export type App = Hono;

/**
 * Puts routes together: `Request -> Response`, nothing listens. What a foreign web page asks is refused before any route sees
 * it. Whatever is thrown is answered as `application/problem+json` with its code.
 */
export function createApp(dependencies: { readonly logger: Logger; readonly routes: readonly Hono[] }): App {
  const { logger, routes } = dependencies;
  const app = new Hono();
  app.use(async (context, next) => {
    refuseForeign(context.req.header("host"), context.req.header("origin"));
    await next();
  });
  for (const route of routes) app.route("/", route);

  app.notFound((context) => {
    throw new SluiceError("ROUTE_UNKNOWN", `there is no ${context.req.method} ${context.req.path} here`);
  });

  app.onError((error, context) => {
    const problem = problemOf(error);
    if (!isSluiceError(error)) logger.error({ err: error, path: context.req.path }, "a request failed");
    else if (problem.status >= 500)
      logger.warn({ err: error, path: context.req.path }, "a request could not be served");
    const retryAfter = problem.status === 503 ? { "retry-after": "1" } : {};
    return context.body(JSON.stringify(problem), problem.status as 400, {
      "content-type": problemMediaType,
      ...retryAfter,
    });
  });

  return app;
}
