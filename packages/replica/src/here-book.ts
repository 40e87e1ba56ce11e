import { isActive, type NamespaceState, own } from "@sluice/core";
import type { HereReverts } from "@sluice/core/api";
import type { HereFiles } from "./here-files.ts";

/** What hosts have taken back for themselves, as far as it concerns this replica. */
export interface HereBook {
  /** Takes what a host, or a follower of it, says. Of each host the highest version counts. False where nothing of it is new. */
  merge(hosts: readonly HereReverts[]): boolean;
  /** Of every host, those that have lifted all of it included: they must not be believed an older word. */
  hosts(): readonly HereReverts[];
  /** Active releases of a state that a host has taken back. */
  inForce(state: NamespaceState): ReadonlySet<string>;
  /** Waits until the disk has all of it. Throws DISK_FULL or STORE_UNAVAILABLE. */
  sync(): Promise<void>;
  /** Takes what the disk has of every process that was here. Throws CORRUPT. */
  load(): Promise<void>;
  /** Forgets everything: the log is another one. */
  clear(): void;
}

/** So many hosts are heard of at most, those that spoke last. */
const hostsMax = 100;

const none: ReadonlySet<string> = new Set();

/** Keeps it in files of this process's own; null keeps it in memory. */
export function createHereBook(files: Pick<HereFiles, "read" | "write"> | null): HereBook {
  const known = new Map<string, HereReverts>();
  let synced = "[]";

  const merge = (hosts: readonly HereReverts[]): boolean => {
    let isNew = false;
    for (const its of hosts) {
      if ((known.get(its.host)?.version ?? 0) >= its.version) continue;
      known.set(its.host, its);
      isNew = true;
    }
    for (const oldest of [...known.values()].sort((a, b) => b.version - a.version).slice(hostsMax)) {
      known.delete(oldest.host);
    }
    return isNew;
  };

  return {
    merge,
    hosts: () => [...known.values()],
    inForce(state) {
      if (known.size === 0) return none;
      const releases = [...known.values()].flatMap(({ reverts }) => reverts.map(({ release }) => release));
      return new Set(
        releases.filter((id) => {
          const release = own(state.releases, id);
          return release !== undefined && isActive(release);
        }),
      );
    },
    async sync() {
      const hosts = [...known.values()];
      const text = JSON.stringify(hosts);
      if (files === null || text === synced) return;
      await files.write(hosts);
      synced = text;
    },
    async load() {
      merge((await files?.read()) ?? []);
    },
    clear: () => known.clear(),
  };
}
