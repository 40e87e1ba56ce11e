import type { Actor, Command, GivenCommand } from "@sluice/core";
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

/** A revert that the log takes within so long is not worth a word about when it did, in milliseconds. */
const laterMsMin = 1_000;

/**
 * A command as the log takes it at `nowMs`, and since when it is in effect: a revert since followers heard of it, which `announcedAt` says
 * by release. Where the log has it later than that its reason says how much, for it is the only place where both times can stand.
 */
export function asTaken(
  command: Command,
  announcedAt: (release: string) => number | undefined,
  nowMs: number,
): { readonly command: Command; readonly atMs: number } {
  const isOwed = command.type === "revert" && command.announced === true && "release" in command.target;
  const atMs = isOwed ? announcedAt(command.target.release) : undefined;
  // A clock that was set back since makes nothing happen in time to come.
  if (!isOwed || atMs === undefined || atMs > nowMs) return { command, atMs: nowMs };
  if (nowMs - atMs < laterMsMin) return { command, atMs };
  const { cause } = command;
  const reason = `${cause.reason}; in the log ${Math.round((nowMs - atMs) / 1_000)} s later`;
  return { command: { ...command, cause: { ...cause, reason } }, atMs };
}

/** Whether a mark's time is that of the host alone which took its release back while it was cut off: for all others it counts from now. */
export function isOfOneHost(by: Actor): boolean {
  return by.kind === "guard" && by.name.includes(" on ");
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
