import type { GivenCommand } from "@sluice/core";
import { assert } from "@sluice/core";
import type { Remember } from "./commands.ts";

/** So many idempotency keys of one owed revert are remembered; who comes with one more and repeats it asks anew. */
const keysMax = 1_000;

/** A revert that followers have heard of and the log could not take, and everybody who may ask whether it happened. */
export interface OwedRevert {
  readonly given: GivenCommand;
  readonly remembers: readonly Remember[];
}

/** Reverts that are owed to the log, one of each release. */
export interface OwedReverts {
  add(given: GivenCommand, release: string, remember: Remember | undefined): void;
  list(): readonly OwedRevert[];
  clear(): void;
}

/**
 * The revert that followers have heard of: by its release, since what a dataset releases next was not meant, neither now nor by who
 * repeats the command; and refused for nothing any more.
 */
export function asAnnounced({ by, command }: GivenCommand, release: string): GivenCommand {
  assert(command.type === "revert", "only reverts run ahead");
  return { by, command: { ...command, target: { release }, announced: true } };
}

/** Owes nothing at first. */
export function createOwedReverts(): OwedReverts {
  const owed = new Map<string, { readonly given: GivenCommand; readonly remembers: Map<string, Remember> }>();
  return {
    add(given, release, remember) {
      const its = owed.get(release) ?? { given: asAnnounced(given, release), remembers: new Map<string, Remember>() };
      owed.set(release, its);
      if (remember !== undefined && its.remembers.size < keysMax) its.remembers.set(remember.key, remember);
    },
    list: () => [...owed.values()].map(({ given, remembers }) => ({ given, remembers: [...remembers.values()] })),
    clear: () => owed.clear(),
  };
}
