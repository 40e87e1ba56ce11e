import type { Clock, NamespaceState, Timer } from "@sluice/core";
import type {
  Confirmation,
  ConfirmationBatch,
  FollowerInfo,
  FollowerStatus,
  HereReverts,
  Mark,
} from "@sluice/core/api";
import { limits } from "@sluice/core/api";
import type { Logger } from "pino";
import { type Account, addConfirmation, confirmationOf, createAccount, dropOldest } from "./account.ts";
import { createAwayBook } from "./away.ts";

/** For how long changes of who follows are gathered before listeners are told, in milliseconds. */
const childrenGatherMs = 50;

/** How many followers are known at most, those behind sidecars included. */
const knownMax = 200_000;

/** How many goodbyes are remembered, the newest: a sidecar's list may name a follower for a moment longer. */
const goodbyesMax = 10_000;

/** A follower with a live lease, and what it has confirmed. */
export interface LiveFollower extends FollowerInfo {
  /** Id of the sidecar that it follows through; null where it is connected here. */
  readonly via: string | null;
  /** Milliseconds since the Unix epoch since when it is known. */
  readonly connectedAt: number;
  /** Control sequence number up to which everything has taken effect on it. */
  readonly applied: number;
  /** Releases that new views on it no longer see. */
  readonly reverted: ReadonlySet<string>;
  /** Releases whose candidate it holds whole. */
  readonly prepared: ReadonlySet<string>;
  /** What hosts have taken back for themselves and it heeds. */
  readonly here: readonly HereReverts[];
}

/** Who is told what the registry learns. Listeners must not throw. */
export interface RegistryListener {
  /** A follower, connected here or behind a sidecar, has confirmed something. */
  confirmation?(confirmation: Confirmation): void;
  /** Who follows has changed: everybody with a live lease, at most 10,000. At most once in 50 ms. */
  children?(followers: readonly FollowerInfo[]): void;
  /** A follower holds a mark, and says who took its release back and why. */
  marked?(mark: Mark): void;
  /** A follower has said goodbye: nobody expects it any more, and its id never comes again. */
  left?(follower: FollowerInfo): void;
  /** A follower's lease has ended without a goodbye: it crashed, or is cut off and may come back. */
  lost?(follower: FollowerInfo): void;
  /**
   * A process has come that has the name of one that was lost, since that one went: it is taken for the same program, started anew.
   * Each takes the place of one.
   */
  replaced?(lost: FollowerInfo, by: LiveFollower): void;
}

/** Who follows this instance, directly or through sidecars, and what they have confirmed. */
export interface Registry {
  /** A follower has connected. The returned function is to be called once when that connection has ended. */
  connected(info: FollowerInfo): () => void;
  /** Takes what followers have done, who follows through a sidecar, and who has said goodbye. */
  receive(batch: ConfirmationBatch): void;
  /**
   * Everybody with a live lease: connected, gone without a goodbye for not longer than the lease, or listed by a sidecar that is
   * either.
   */
  live(): readonly LiveFollower[];
  /** Those whose lease has ended within the last 15 minutes without a goodbye, in whose place nobody has come. */
  away(): readonly FollowerInfo[];
  /** The same for `status`; `via` is the sidecar's name. */
  list(): readonly FollowerStatus[];
  /** Names that several sidecars have which are connected here at this moment: what hosts decide for themselves would be mixed up. */
  namesakes(): readonly { readonly name: string; readonly count: number }[];
  /** How many of those with a live lease hold a release's candidate whole. */
  prepared(release: string): { readonly count: number; readonly of: number };
  /** All that a follower has confirmed and that still matters by `state`; undefined where nothing is known of it. */
  confirmationOf(follower: string, state: NamespaceState): Confirmation | undefined;
  /** What all of them have confirmed was of another log; they are here all the same. */
  forgetConfirmed(): void;
  subscribe(listener: RegistryListener): () => void;
  /** Takes back its timers. */
  close(): void;
}

interface Known {
  readonly info: FollowerInfo;
  readonly connectedAt: number;
  readonly knownSinceMs: number;
  /** It has taken the place of one that was lost. */
  succeeds: boolean;
  /** Sidecars that list it. */
  readonly owners: Set<string>;
  account: Account;
}

/** Whether somebody is connected here. */
interface Presence {
  connections: number;
  /** When the last connection ended. */
  goneAtMs: number;
}

/** Makes an empty registry. `leaseMs` is for how long a follower counts after its connection has ended. */
export function createRegistry(dependencies: { clock: Clock; logger: Logger; leaseMs: number }): Registry {
  const { clock, logger, leaseMs } = dependencies;
  const known = new Map<string, Known>();
  const present = new Map<string, Presence>();
  /** Whom each sidecar lists. */
  const lists = new Map<string, ReadonlySet<string>>();
  /** In the order in which they went. */
  const leaving: { readonly id: string; readonly atMs: number }[] = [];
  const goodbyes = new Set<string>();
  const away = createAwayBook(clock);
  /** Those who are known, by name. */
  const named = new Map<string, Set<Known>>();
  const listeners = new Set<RegistryListener>();
  let sweeping: Timer | undefined;
  let telling: Timer | undefined;

  function know(info: FollowerInfo): Known | undefined {
    const before = known.get(info.id);
    if (before !== undefined) return before;
    if (goodbyes.has(info.id)) return undefined;
    if (known.size >= knownMax) {
      logger.warn({ knownMax, follower: info.name }, "too many followers are known; one more is not counted");
      return undefined;
    }
    const entry: Known = {
      info,
      connectedAt: clock.wall(),
      knownSinceMs: clock.now(),
      succeeds: false,
      owners: new Set(),
      account: createAccount(),
    };
    known.set(info.id, entry);
    named.set(info.name, (named.get(info.name) ?? new Set()).add(entry));
    changed();
    const lost = away.clear(info.id) ? undefined : away.named(info.name);
    if (lost !== undefined) replace(lost, entry);
    return entry;
  }

  function forget(entry: Known): void {
    const { id, name } = entry.info;
    known.delete(id);
    const namesakes = named.get(name);
    namesakes?.delete(entry);
    if (namesakes?.size === 0) named.delete(name);
    changed();
  }

  function replace(lost: FollowerInfo, entry: Known): void {
    entry.succeeds = true;
    away.clear(lost.id);
    for (const listener of listeners) listener.replaced?.(lost, liveOf(entry));
  }

  function isHere(id: string): boolean {
    const presence = present.get(id);
    if (presence === undefined) return false;
    return presence.connections > 0 || clock.now() - presence.goneAtMs <= leaseMs;
  }

  /** Of one that was started anew the stream before has ended, whatever its lease says. */
  function sidecarsNamed(name: string): number {
    const connected = [...(named.get(name) ?? [])].filter(({ info }) => (present.get(info.id)?.connections ?? 0) > 0);
    return connected.filter(({ info }) => info.kind === "sidecar").length;
  }

  function isLive({ info, owners }: Known): boolean {
    return isHere(info.id) || [...owners].some(isHere);
  }

  /** Counts as here for the lease and not longer, unless it connects. */
  function leave(id: string): void {
    const atMs = clock.now();
    const presence = present.get(id);
    if (presence === undefined) present.set(id, { connections: 0, goneAtMs: atMs });
    else presence.goneAtMs = atMs;
    leaving.push({ id, atMs });
    arm();
  }

  function arm(): void {
    const [first] = leaving;
    if (first === undefined || sweeping !== undefined) return;
    sweeping = clock.setTimer(first.atMs + leaseMs + 1 - clock.now(), () => {
      sweeping = undefined;
      sweep();
      arm();
    });
  }

  function sweep(): void {
    const now = clock.now();
    let due = 0;
    for (const { id, atMs } of leaving) {
      if (now - atMs <= leaseMs) break;
      due += 1;
      if (isHere(id)) continue;
      present.delete(id);
      disown(id, new Set());
      lists.delete(id);
      const entry = known.get(id);
      if (entry !== undefined) forgetWhereGone(entry);
    }
    leaving.splice(0, due);
  }

  /** A sidecar's list has become another one; who is on no list and not here is gone. */
  function disown(owner: string, listed: ReadonlySet<string>): void {
    for (const id of lists.get(owner) ?? []) {
      const entry = listed.has(id) ? undefined : known.get(id);
      entry?.owners.delete(owner);
      if (entry !== undefined) forgetWhereGone(entry);
    }
  }

  function forgetWhereGone(entry: Known): void {
    if (isLive(entry) || !known.has(entry.info.id)) return;
    forget(entry);
    away.lost(entry.info);
    for (const listener of listeners) listener.lost?.(entry.info);
    // Whoever starts a process anew does so long before the lease of the last one has ended.
    const goneMs = clock.now() - leaseMs;
    for (const its of named.get(entry.info.name) ?? []) {
      if (its.succeeds || its.knownSinceMs <= goneMs) continue;
      replace(entry.info, its);
      return;
    }
  }

  /** Those who follow through it keep it as long as their lease runs: they are on their way to somebody else. */
  function takeGoodbye(id: string): void {
    goodbyes.add(id);
    dropOldest(goodbyes, goodbyesMax);
    away.clear(id);
    const entry = known.get(id);
    if (entry === undefined) return;
    forget(entry);
    for (const listener of listeners) listener.left?.(entry.info);
  }

  function takeChildren({ of, followers }: NonNullable<ConfirmationBatch["children"]>): void {
    const listed = new Set(followers.map(({ id }) => id));
    // Its stream may be a moment behind its list; where it never comes, the list goes with the lease.
    if (!isHere(of)) leave(of);
    disown(of, listed);
    for (const info of followers) know(info)?.owners.add(of);
    lists.set(of, listed);
  }

  function takeConfirmation(confirmation: Confirmation): void {
    const entry = known.get(confirmation.follower);
    if (entry !== undefined) addConfirmation(entry.account, confirmation);
    for (const listener of listeners) listener.confirmation?.(confirmation);
  }

  function changed(): void {
    telling ??= clock.setTimer(childrenGatherMs, () => {
      telling = undefined;
      const followers = live()
        .slice(0, limits.childrenMax)
        .map(({ id, name, kind }) => ({ id, name, kind }));
      for (const listener of listeners) listener.children?.(followers);
    });
  }

  function live(): LiveFollower[] {
    const list: LiveFollower[] = [];
    for (const entry of known.values()) {
      if (isLive(entry)) list.push(liveOf(entry));
    }
    return list;
  }

  function liveOf({ info, owners, connectedAt, account }: Known): LiveFollower {
    const via = isHere(info.id) ? null : ([...owners].findLast(isHere) ?? null);
    const { applied, reverted, prepared, here } = account;
    return { ...info, via, connectedAt, applied, reverted, prepared, here };
  }

  return {
    connected({ id, name, kind }) {
      know({ id, name, kind });
      const presence = present.get(id) ?? { connections: 0, goneAtMs: 0 };
      presence.connections += 1;
      present.set(id, presence);
      const isFirst = presence.connections === 1;
      if (isFirst && kind === "sidecar" && sidecarsNamed(name) > 1) {
        logger.warn({ follower: name, id }, "several sidecars have one name; start each with a --name of its own");
      }
      return () => {
        presence.connections -= 1;
        if (presence.connections === 0) leave(id);
      };
    },
    receive({ confirmations, children, left = [], marks = [] }) {
      // A revert before everything else.
      for (const mark of marks) for (const listener of listeners) listener.marked?.(mark);
      // Before the list that lacks them, which would make them lost.
      for (const id of left) takeGoodbye(id);
      if (children !== null) takeChildren(children);
      for (const confirmation of confirmations) takeConfirmation(confirmation);
    },
    live,
    away: () => away.list(),
    list: () =>
      live().map(({ id, name, kind, via, applied }) => ({
        id,
        name,
        kind,
        via: via === null ? null : (known.get(via)?.info.name ?? via),
        applied,
      })),
    namesakes: () =>
      [...named.keys()].map((name) => ({ name, count: sidecarsNamed(name) })).filter(({ count }) => count > 1),
    prepared(release) {
      let count = 0;
      let of = 0;
      for (const entry of known.values()) {
        if (!isLive(entry)) continue;
        of += 1;
        if (entry.account.prepared.has(release)) count += 1;
      }
      return { count, of };
    },
    confirmationOf(follower, state) {
      const entry = known.get(follower);
      return entry === undefined ? undefined : confirmationOf(follower, entry.account, state);
    },
    forgetConfirmed() {
      for (const entry of known.values()) entry.account = createAccount();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      sweeping?.cancel();
      telling?.cancel();
    },
  };
}
