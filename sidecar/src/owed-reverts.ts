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

/** Owes nothing at first. */
export function createOwedReverts(): OwedReverts {
  const owed = new Map<string, { readonly given: GivenCommand; readonly remembers: Map<string, Remember> }>();
  return {
    add({ by, command }, release, remember) {
      assert(command.type === "revert", "only reverts run ahead");
      // By its release: what a dataset releases next was not meant, neither now nor by who repeats the command.
      const given: GivenCommand = { by, command: { ...command, target: { release } } };
      const its = owed.get(release) ?? { given, remembers: new Map<string, Remember>() };
      owed.set(release, its);
      if (remember !== undefined && its.remembers.size < keysMax) its.remembers.set(remember.key, remember);
    },
    list: () => [...owed.values()].map(({ given, remembers }) => ({ given, remembers: [...remembers.values()] })),
    clear: () => owed.clear(),
  };
}
