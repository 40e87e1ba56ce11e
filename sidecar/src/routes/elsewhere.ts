import { SluiceError } from "@sluice/core";
import { paths, routes, type StatusAnswer } from "@sluice/core/api";
import { Hono } from "hono";
import { isCutOff, silenceText } from "../mark-reach.ts";

/** Routes of the table that a follower answers itself. */
const here: readonly string[] = ["status", "read", "readMany", "revertHere", "liftHere", "receipt"];

/** What the refusals are made from. */
export interface ElsewhereDependencies {
  /** Where commands are taken. */
  readonly origin: () => string;
  readonly following: () => NonNullable<StatusAnswer["following"]>;
}

/** What only an origin can do: a follower says where to ask, and since when it has heard nothing from there. */
export function createElsewhereRoutes({ origin, following }: ElsewhereDependencies): Hono {
  const app = new Hono();
  const refuse = (): never => {
    const now = following();
    const silence = isCutOff(now) ? ` (${silenceText(now.contactAgeMs)}; this host alone can be reverted here)` : "";
    const message = `this instance follows ${origin()} and takes no commands; give them there${silence}`;
    throw new SluiceError("NOT_ORIGIN", message, { details: { origin: origin() } });
  };
  for (const [name, { method, path }] of Object.entries(routes)) {
    if (!here.includes(name)) app.on(method, path, refuse);
  }
  app.post(paths.publish, refuse);
  app.get(paths.log, refuse);
  return app;
}
