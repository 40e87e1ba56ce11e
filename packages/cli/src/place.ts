import { heartbeatMs } from "@sluice/core";
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
}

/** The place of the instance that commands go to, by whom it follows; null of an origin. */
export function placeOf(context: Pick<Context, "url" | "urlArgument">, following: StatusAnswer["following"]): Place {
  const here = context.urlArgument(context.url);
  if (following === null) return { here, origin: here, cutOff: false };
  const { url, connected, contactAgeMs } = following;
  const cutOff = !connected || contactAgeMs === null || contactAgeMs > 3 * heartbeatMs;
  return { here, origin: context.urlArgument(url), cutOff };
}

/** A command with the instance that it has to go to. */
export function addressed(command: string, place: Place | undefined): string {
  if (place === undefined || !command.startsWith("sluice ") || command.includes(" --url ")) return command;
  return `${command}${command.endsWith(" --here") ? place.here : place.origin}`;
}
