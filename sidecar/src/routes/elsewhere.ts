import { SluiceError } from "@sluice/core";
import { paths, routes, type StatusAnswer } from "@sluice/core/api";
import { Hono } from "hono";
import { isCutOff, silenceText } from "../mark-reach.ts";
import type { OwnerFinder } from "../owner-finder.ts";

/** Routes of the table that a follower answers itself. */
const here: readonly string[] = ["status", "read", "readMany", "revertHere", "liftHere", "receipt"];

/** What the refusals are made from. */
export interface ElsewhereDependencies {
  readonly following: () => NonNullable<StatusAnswer["following"]>;
  readonly finder: OwnerFinder;
}

/**
 * What only an origin can do: a follower says where to ask, and since when it has heard nothing from there. `details.origin` is the
 * URL of the origin, which may be several sidecars away, or of the last instance on the way there that is known.
 */
export function createElsewhereRoutes({ following, finder }: ElsewhereDependencies): Hono {
  const app = new Hono();
  const refuse = async (): Promise<never> => {
    const now = following();
    if (isCutOff(now)) {
      const silence = `${silenceText(now.contactAgeMs)}; this host alone can be reverted here`;
      throw elsewhere(`this instance follows ${now.url} and takes no commands; give them there (${silence})`, now.url);
    }
    const { url, isSure } = await finder.find(now.url);
    if (url === now.url) throw elsewhere(`this instance follows ${url} and takes no commands; give them there`, url);
    const who = isSure
      ? `to the origin, ${url}`
      : `to the origin: the way there leads over ${url}, which does not answer from here`;
    throw elsewhere(`this instance follows ${now.url}, and neither of them takes commands; give them ${who}`, url);
  };
  for (const [name, { method, path }] of Object.entries(routes)) {
    if (!here.includes(name)) app.on(method, path, refuse);
  }
  app.post(paths.publish, refuse);
  app.get(paths.log, refuse);
  return app;
}

function elsewhere(message: string, origin: string): SluiceError {
  return new SluiceError("NOT_ORIGIN", message, { details: { origin } });
}
