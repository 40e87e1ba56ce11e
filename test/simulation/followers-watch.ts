import { leaseMs } from "@sluice/core";
import type { ConfirmationBatch, Mark } from "@sluice/core/api";
import type { HereWatch } from "./here-watch.ts";
import type { Arrival, Party, Reached } from "./network.ts";
import { originHost } from "./origin-node.ts";
import { hold } from "./trace.ts";

/** What the world knows of one follower's process, from nothing but what has passed over its wires. */
export interface Followed {
  readonly host: string;
  /** Releases whose revert has reached it, by mark or by log, and those that an earlier process on its disk had confirmed. */
  readonly reverted: ReadonlySet<string>;
  /** The last contact with the log's owner as heartbeats tell it, in milliseconds of the world; null where there was none. */
  contactMs(atMs?: number): number | null;
  /** When the owner last sent, over whatever hops, what has arrived here; null where nothing has. */
  vouchedMs(atMs?: number): number | null;
  /** Position of the last whole state that it was given, itself or, on a disk that is kept, an earlier process. */
  readonly wholeAt: number;
  /** Hops between it and the owner that its last heartbeats came over. */
  readonly hops: number;
  /** Whether new views there must not see a release's candidate, because a host has taken it back for itself. */
  heeds(release: string): boolean;
  /** Whether they may be kept from it for that reason. */
  mayHeed(release: string): boolean;
}

/** Follows what followers are told. */
export interface FollowersWatch {
  arrived(arrival: Arrival): void;
  reached(request: Reached): void;
  of(party: Party): Followed;
  /** The process that calls itself by this id; undefined before it has followed anybody. */
  party(id: string): Party | undefined;
  /** A revert is in the log: whomever the owner vouches for from now on has heard of it. */
  takenBack(release: string, began: number, ended: number): void;
  /** A revert was confirmed although the log could not take it: the same, for as long as the origin's process lives. */
  promised(release: string, began: number): void;
  /** The origin's process has died, and what only it knew with it. */
  ownerDied(): void;
  /** Releases whose revert had reached any process on a host whose disk is kept. */
  everReached(host: string): ReadonlySet<string>;
}

interface Contact {
  readonly atMs: number;
  readonly contactMs: number;
  readonly vouchedMs: number;
}

interface Known extends Followed {
  readonly reverted: Set<string>;
  readonly contacts: Contact[];
  log: string | null;
  hops: number;
  wholeAt: number;
  /** Position of the log that it has been brought to. */
  position: number;
  /** How many of the reverts in the log were looked at for it. */
  looked: number;
  /** Those of releases of which it has not even heard that they began. */
  unheard: Due[];
}

/** A revert of which everybody has to hear before the owner vouches for them again. */
interface Due {
  readonly release: string;
  /** Positions at which the release began and ended. */
  readonly began: number;
  readonly ended: number;
  readonly sinceMs: number;
}

/** How much older than it can be an age may come out, in milliseconds: clocks count whole ones. */
const ageToleranceMs = 1.5;

/** Watches over every follower. `keepsDisk` says whether a host's next process finds what the last one kept. */
export function createFollowersWatch(dependencies: {
  readonly here: HereWatch;
  readonly nowMs: () => number;
  readonly keepsDisk: (host: string) => boolean;
}): FollowersWatch {
  const { here, nowMs, keepsDisk } = dependencies;
  const known = new Map<Party, Known>();
  const parties = new Map<string, Party>();
  const confirmed = new Map<string, Set<string>>();
  const reachedHosts = new Map<string, Set<string>>();
  const dues: Due[] = [];
  let promises: Omit<Due, "ended">[] = [];
  const wholes = new Map<string, number>();

  const of = (party: Party): Known => {
    const before = known.get(party);
    if (before !== undefined) return before;
    const contacts: Contact[] = [];
    const at = (atMs: number): Contact | undefined => contacts.findLast((contact) => contact.atMs <= atMs);
    const entry: Known = {
      host: party.host,
      reverted: new Set(keepsDisk(party.host) ? confirmed.get(party.host) : []),
      contacts,
      log: null,
      position: 0,
      looked: 0,
      unheard: [],
      hops: 1,
      wholeAt: keepsDisk(party.host) ? (wholes.get(party.host) ?? 0) : 0,
      contactMs: (atMs = nowMs()) => at(atMs)?.contactMs ?? null,
      vouchedMs: (atMs = nowMs()) => at(atMs)?.vouchedMs ?? null,
      heeds: (release) => here.heeds(party, release),
      mayHeed: (release) => here.mayHeed(party, release),
    };
    known.set(party, entry);
    return entry;
  };

  const revert = (entry: Known, release: string): void => {
    entry.reverted.add(release);
    const hosts = reachedHosts.get(entry.host) ?? new Set();
    reachedHosts.set(entry.host, hosts.add(release));
  };

  const heartbeat = ({ from, to, sentMs }: Arrival, ageMs: number): void => {
    const entry = of(to);
    const isOwner = from.host === originHost;
    const source = isOwner ? { contactMs: sentMs, vouchedMs: sentMs } : sourceAt(of(from), sentMs);
    const trueAgeMs = sentMs - source.contactMs;
    hold("invariant 2", ageMs >= trueAgeMs - ageToleranceMs, () => {
      return `${from.host} says that its contact is ${ageMs} ms old, and it is ${trueAgeMs.toFixed(1)} ms old`;
    });
    judgeVouched(entry, source.vouchedMs);
    entry.hops = isOwner ? 1 : of(from).hops + 1;
    const last = entry.contacts.at(-1);
    entry.contacts.push({
      atMs: nowMs(),
      contactMs: Math.max(last?.contactMs ?? Number.NEGATIVE_INFINITY, nowMs() - ageMs),
      vouchedMs: Math.max(last?.vouchedMs ?? Number.NEGATIVE_INFINITY, source.vouchedMs),
    });
    if (entry.contacts.length > 64) entry.contacts.splice(0, 32);
  };

  /** Streams keep their order: what the owner said before it vouched has come before. */
  const judgeVouched = (entry: Known, vouchedMs: number): void => {
    for (let due = dues[entry.looked]; due !== undefined && due.sinceMs < vouchedMs; due = dues[entry.looked]) {
      entry.unheard.push(due);
      entry.looked += 1;
    }
    entry.unheard = entry.unheard.filter(
      ({ release, ended }) => !entry.reverted.has(release) && ended > entry.position,
    );
    const promised = promises.filter(({ release, sinceMs }) => sinceMs < vouchedMs && !entry.reverted.has(release));
    for (const { release, began, sinceMs } of [...entry.unheard, ...promised]) {
      hold("invariant 2", began > entry.position, () => {
        return `the owner vouched for ${entry.host} ${(vouchedMs - sinceMs).toFixed(1)} ms after ${release} was reverted, of which it has not heard`;
      });
    }
  };

  const mark = (entry: Known, { release }: Mark): void => revert(entry, release);

  return {
    arrived(arrival) {
      const { frame, to } = arrival;
      const entry = of(to);
      switch (frame.type) {
        case "hello":
          if (entry.log !== frame.log) entry.contacts.length = 0;
          entry.log = frame.log;
          return;
        case "heartbeat":
          return heartbeat(arrival, frame.ageMs);
        case "mark":
          return mark(entry, frame.mark);
        case "events":
          entry.position = Math.max(entry.position, frame.events.at(-1)?.sequence ?? 0);
          for (const { event } of frame.events) if (event.type === "release-reverted") revert(entry, event.release);
          return;
        case "state":
          entry.wholeAt = frame.state.sequence;
          entry.position = frame.state.sequence;
          wholes.set(entry.host, entry.wholeAt);
          for (const each of frame.marks) mark(entry, each);
          for (const { id, phase } of Object.values(frame.state.releases)) if (phase === "reverted") revert(entry, id);
          return;
        case "here":
          return here.arrived(arrival);
        case "bye":
          return;
      }
    },
    reached({ from, method, path, body }) {
      if (path.startsWith("/v1/follow?")) {
        const query = new URLSearchParams(path.slice(path.indexOf("?")));
        parties.set(query.get("id") ?? "", from);
        const entry = of(from);
        entry.position = Number(query.get("from") ?? 0);
        // It says itself that it holds them.
        for (const release of (query.get("marks") ?? "").split(",")) if (release !== "") revert(entry, release);
      }
      if (method !== "POST" || path !== "/v1/confirmations") return;
      const { confirmations, marks = [] } = JSON.parse(Buffer.from(body).toString()) as ConfirmationBatch;
      for (const { release } of marks) revert(of(from), release);
      for (const { follower, reverted, here: heeded } of confirmations) {
        // What it says of itself it has on its disk; what a sidecar says of others they have said to it.
        const host = parties.get(follower) === from ? from.host : undefined;
        if (host === undefined) continue;
        confirmed.set(host, new Set([...(confirmed.get(host) ?? []), ...reverted]));
        here.confirmed(from, heeded);
      }
    },
    of,
    party: (id) => parties.get(id),
    takenBack(release, began, ended) {
      dues.push({ release, began, ended, sinceMs: nowMs() });
      // The log has a position for it from here on.
      promises = promises.filter((promise) => promise.release !== release);
    },
    promised: (release, began) => void promises.push({ release, began, sinceMs: nowMs() }),
    ownerDied() {
      promises = [];
    },
    everReached: (host) => reachedHosts.get(host) ?? new Set(),
  };
}

function sourceAt(entry: Known, atMs: number): { contactMs: number; vouchedMs: number } {
  const contactMs = entry.contactMs(atMs);
  const vouchedMs = entry.vouchedMs(atMs);
  hold("invariant 2", contactMs !== null && vouchedMs !== null, () => `${entry.host} sends heartbeats without contact`);
  return { contactMs, vouchedMs };
}

/** Whether a contact as old as this still gives leave to show a candidate. */
export function isFresh(contactMs: number | null, nowMs: number): boolean {
  return contactMs !== null && nowMs - contactMs < leaseMs;
}
