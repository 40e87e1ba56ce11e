import { Hono } from "hono";

/** Whether an instance should be sent traffic, and why not. */
export interface Readiness {
  readonly ready: boolean;
  /** What is missing; and what is wrong though it does not keep the instance from serving. */
  readonly reasons: readonly string[];
}

/** `/healthz` says that the process lives, `/readyz` that it serves. */
export function createHealthRoutes(readiness: () => Readiness): Hono {
  const app = new Hono();
  app.get("/healthz", (context) => context.json({ ok: true }));
  app.get("/readyz", (context) => {
    const now = readiness();
    return context.json(now, now.ready ? 200 : 503);
  });
  return app;
}
