import type { ConfirmationBatch, HereReverts } from "@sluice/core/api";
import type { Arrival, Party } from "./network.ts";

/** What hosts have taken back for themselves, as the world heard it: over its wires, and from the people at the hosts. */
export interface HereWatch {
  arrived(arrival: Arrival): void;
  /** A follower says of itself that it heeds these, which its disk has. */
  confirmed(party: Party, here: ConfirmationBatch["confirmations"][number]["here"]): void;
  /**
   * Somebody at a sidecar asks for it. What is returned is to be called when a revert was confirmed, with whether the disk has it; it
   * says nothing where somebody has asked for the contrary meanwhile.
   */
  asked(party: Party, release: string, verb: "revert" | "lift"): (isDurable: boolean) => void;
  /** Whether new views there must not see a release's candidate. */
  heeds(party: Party, release: string): boolean;
  /** Whether they may be kept from it for that reason. */
  mayHeed(party: Party, release: string): boolean;
  /** Whether it is what people at this very process were told, or that its disk has for certain. */
  hasTakenBack(party: Party, release: string): boolean;
  /** Whether any process on the host ever heard of it. */
  everHeard(host: string, release: string): boolean;
}

type Hosts = Map<string, { readonly version: number; readonly releases: ReadonlySet<string> }>;

interface Known {
  /** What has arrived, and what the disk had for certain. */
  readonly hosts: Hosts;
  /** What was answered to people at this very process. */
  readonly own: Set<string>;
}

/**
 * Watches over every follower. `hasDisk` says whether a host's next process may find what the last one kept, `isRotten` whether it may
 * not find it after all.
 */
export function createHereWatch(dependencies: {
  readonly hasDisk: (host: string) => boolean;
  readonly isRotten: (host: string) => boolean;
}): HereWatch {
  const { hasDisk, isRotten } = dependencies;
  const known = new Map<Party, Known>();
  const kept = new Map<string, Hosts>();
  const ownKept = new Map<string, Set<string>>();
  const ever = new Map<string, Set<string>>();
  /** How often somebody has asked for something, by host and release. */
  const asks = new Map<string, number>();

  const of = (party: Party): Known => {
    const before = known.get(party);
    if (before !== undefined) return before;
    const { host } = party;
    const isKept = hasDisk(host) && !isRotten(host);
    const entry: Known = {
      hosts: new Map(isKept ? kept.get(host) : []),
      own: new Set(isKept ? ownKept.get(host) : []),
    };
    known.set(party, entry);
    return entry;
  };

  const everOf = (host: string): Set<string> => {
    const set = ever.get(host) ?? new Set<string>();
    ever.set(host, set);
    return set;
  };

  const releasesOf = ({ reverts }: HereReverts): ReadonlySet<string> => new Set(reverts.map(({ release }) => release));

  return {
    arrived({ frame, to }) {
      if (frame.type !== "here") return;
      const { hosts } = of(to);
      for (const its of frame.hosts) {
        const releases = releasesOf(its);
        for (const release of releases) everOf(to.host).add(release);
        // A sidecar hears of its own from nobody but its people, and from those whom it told before a restart.
        if (its.host === to.host) continue;
        if ((hosts.get(its.host)?.version ?? 0) < its.version) hosts.set(its.host, { version: its.version, releases });
        const disk = kept.get(to.host);
        // The disk has it or has it not: certain it is again when the follower says so.
        if ((disk?.get(its.host)?.version ?? its.version) < its.version) disk?.delete(its.host);
      }
    },
    confirmed({ host }, here = []) {
      const disk = kept.get(host) ?? new Map();
      kept.set(host, disk);
      for (const its of here) {
        if (its.host === host || (disk.get(its.host)?.version ?? 0) >= its.version) continue;
        disk.set(its.host, { version: its.version, releases: releasesOf(its) });
      }
    },
    asked(party, release, verb) {
      everOf(party.host).add(release);
      const key = `${party.host} ${release}`;
      const ask = (asks.get(key) ?? 0) + 1;
      asks.set(key, ask);
      if (verb === "lift") {
        of(party).own.delete(release);
        ownKept.get(party.host)?.delete(release);
      }
      return (isDurable) => {
        if (verb === "lift" || asks.get(key) !== ask) return;
        of(party).own.add(release);
        if (isDurable) ownKept.set(party.host, (ownKept.get(party.host) ?? new Set()).add(release));
      };
    },
    heeds(party, release) {
      const { hosts, own } = of(party);
      return own.has(release) || [...hosts.values()].some(({ releases }) => releases.has(release));
    },
    mayHeed(party, release) {
      const isCertain = !hasDisk(party.host) && !party.host.startsWith("sidecar");
      if (!isCertain) return everOf(party.host).has(release);
      return [...of(party).hosts.values()].some(({ releases }) => releases.has(release));
    },
    hasTakenBack: (party, release) => of(party).own.has(release),
    everHeard: (host, release) => everOf(host).has(release),
  };
}
