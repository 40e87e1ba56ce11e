import type { Actor, Command, GivenCommand } from "@sluice/core";
import type { Working } from "./working.ts";

/** A command whose facts depend on what stands before it in the log, such as a patch. */
export interface BuiltCommand {
  readonly by: Actor;
  readonly build: (working: Working) => Command;
  /** It has an append of its own, so that listeners have heard of all that stands before it. */
  readonly alone?: boolean;
}

/** Whether a command may share an append with others of its kind. */
export function isShared(given: GivenCommand | BuiltCommand): boolean {
  return "build" in given && given.alone !== true;
}
