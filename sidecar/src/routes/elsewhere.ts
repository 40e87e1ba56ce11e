import { SluiceError } from "@sluice/core";
import { paths, routes } from "@sluice/core/api";
import { Hono } from "hono";

/** Routes of the table that a follower answers itself. */
const here: readonly string[] = ["status", "read", "readMany", "revertHere", "liftHere", "receipt"];

/** What only an origin can do: a follower says where to ask. */
export function createElsewhereRoutes(origin: () => string): Hono {
  const app = new Hono();
  const refuse = (): never => {
    throw new SluiceError("NOT_ORIGIN", `this instance follows ${origin()} and takes no commands; give them there`, {
      details: { origin: origin() },
    });
  };
  for (const [name, { method, path }] of Object.entries(routes)) {
    if (!here.includes(name)) app.on(method, path, refuse);
  }
  app.post(paths.publish, refuse);
  app.get(paths.log, refuse);
  return app;
}
