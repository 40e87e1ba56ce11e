import type { Admin } from "@sluice/admin";
import { heartbeatMs, isSluiceError, leaseMs } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import type { Context } from "./context.ts";

/** What the commands that are printed need beside their words, so that they go where they are meant to. */
export interface Place {
  /** ` --url URL` of the instance that was asked, or nothing where that is where commands go anyway. */
  readonly here: string;
  /** The same of where that instance's commands are taken. */
  readonly origin: string;
  /** Whether a follower hears nothing of the origin, so that nothing can be given there. */
  readonly cutOff: boolean;
  /** Whether it has heard nothing for longer than a lease, so that nobody there is shown a candidate below 100 %. */
  readonly leaseOver: boolean;
}

/** The place of the instance that commands go to, where that owns its log. */
export function placeHere({ url, urlArgument }: Pick<Context, "url" | "urlArgument">): Place {
  const here = urlArgument(url);
  return { here, origin: here, cutOff: false, leaseOver: false };
}

/** Says where the commands go that an instance's status prints. */
export type FindPlace = (following: StatusAnswer["following"]) => Promise<Place>;

/** Asks the instance where its origin is, once for each that it follows: whom it follows may be a sidecar too, and take no commands. */
export function createFindPlace(
  context: Pick<Context, "url" | "urlArgument" | "json">,
  admin: Pick<Admin, "log">,
): FindPlace {
  const known = new Map<string, string>();
  return async (following) => {
    // JSON has no commands to give.
    if (following === null || context.json) return placeHere(context);
    const cutOff = isCutOff(following);
    const { url, contactAgeMs } = following;
    if (!cutOff && !known.has(url)) known.set(url, (await askForOrigin(admin)) ?? url);
    return {
      here: context.urlArgument(context.url),
      origin: context.urlArgument((cutOff ? undefined : known.get(url)) ?? url),
      cutOff,
      leaseOver: contactAgeMs === null || contactAgeMs >= leaseMs,
    };
  };
}

/** What a follower does not answer itself it refuses with the origin's URL. */
async function askForOrigin(admin: Pick<Admin, "log">): Promise<string | undefined> {
  try {
    await admin.log({ limit: 1 });
  } catch (error) {
    const origin = isSluiceError(error, "NOT_ORIGIN") ? error.details["origin"] : undefined;
    if (typeof origin === "string") return origin;
  }
  return undefined;
}

function isCutOff({ connected, contactAgeMs }: NonNullable<StatusAnswer["following"]>): boolean {
  return !connected || contactAgeMs === null || contactAgeMs > 3 * heartbeatMs;
}

/** A command with the instance that it has to go to. */
export function addressed(command: string, place: Place | undefined): string {
  if (place === undefined || !command.startsWith("sluice ") || command.includes(" --url ")) return command;
  return `${command}${command.endsWith(" --here") ? place.here : place.origin}`;
}
