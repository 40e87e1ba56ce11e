import { isActive, type NamespaceState, own } from "@sluice/core";
import type { Confirmation, HereReverts, RefusedRelease } from "@sluice/core/api";
import { hereHostsMax } from "@sluice/core/api";

/** How many releases of a follower are remembered, the newest. */
const releasesMax = 1_000;

/** Of releases that a state does not know (any more), so many are said again, the newest. */
const unknownMax = 100;

/** All that one follower has confirmed. */
export interface Account {
  /** Control sequence number up to which everything has taken effect on it. */
  applied: number;
  /** Releases that new views on it no longer see. */
  readonly reverted: Set<string>;
  /** Releases whose candidate it holds whole. */
  readonly prepared: Set<string>;
  /** Releases whose candidate it keeps from new views, with why. */
  readonly refused: Map<string, RefusedRelease>;
  /** What hosts have taken back for themselves and it heeds: of each host the highest version. */
  here: readonly HereReverts[];
}

/** Of a follower that has confirmed nothing. */
export function createAccount(): Account {
  return { applied: 0, reverted: new Set(), prepared: new Set(), refused: new Map(), here: [] };
}

/** A follower says what is new, and two posts may overtake each other, over two ways even: the highest and the union count. */
export function addConfirmation(account: Account, confirmation: Confirmation): void {
  const { applied, reverted, prepared, refused = [], here = [] } = confirmation;
  account.applied = Math.max(account.applied, applied);
  addNewest(account.reverted, reverted);
  addNewest(account.prepared, prepared);
  for (const refusal of refused) account.refused.set(refusal.release, refusal);
  dropOldest(account.refused, releasesMax);
  if (here.length > 0) account.here = newestOf(account.here, here);
}

/**
 * What is to be said of a follower to somebody who may know nothing of it; undefined where it has confirmed nothing. Left out is what
 * says nothing any more: preparations and refusals of releases that have ended by `state`.
 */
export function confirmationOf(follower: string, account: Account, state: NamespaceState): Confirmation | undefined {
  const { applied, here } = account;
  const isOver = (id: string): boolean => {
    const release = own(state.releases, id);
    return release !== undefined && !isActive(release);
  };
  const reverted = worthSaying(account.reverted, state);
  const prepared = worthSaying(account.prepared, state).filter((id) => !isOver(id));
  const standing = new Set(worthSaying(account.refused.keys(), state).filter((id) => !isOver(id)));
  const refused = [...account.refused.values()].filter(({ release }) => standing.has(release));
  if (applied === 0 && [reverted, prepared, refused, here].every(({ length }) => length === 0)) return undefined;
  return {
    follower,
    applied,
    reverted,
    prepared,
    ...(refused.length === 0 ? {} : { refused }),
    ...(here.length === 0 ? {} : { here }),
  };
}

/** The state forgets releases long ended; a follower that was at a faster instance may name one that it has not heard of yet. */
function worthSaying(ids: Iterable<string>, { releases }: NamespaceState): readonly string[] {
  const all = [...ids];
  const unknown = new Set(all.filter((id) => own(releases, id) === undefined).slice(-unknownMax));
  return all.filter((id) => unknown.has(id) || own(releases, id) !== undefined);
}

function newestOf(before: readonly HereReverts[], told: readonly HereReverts[]): readonly HereReverts[] {
  const hosts = new Map(before.map((its) => [its.host, its]));
  for (const its of told) if ((hosts.get(its.host)?.version ?? 0) < its.version) hosts.set(its.host, its);
  return [...hosts.values()].sort((a, b) => b.version - a.version).slice(0, hereHostsMax);
}

function addNewest(set: Set<string>, releases: readonly string[]): void {
  for (const release of releases) set.add(release);
  dropOldest(set, releasesMax);
}

/** Of a set or map in the order of arrival. */
export function dropOldest(
  held: { readonly size: number; keys(): Iterable<string>; delete(key: string): boolean },
  sizeMax: number,
): void {
  for (const oldest of held.keys()) {
    if (held.size <= sizeMax) return;
    held.delete(oldest);
  }
}
