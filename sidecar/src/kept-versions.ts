import type { Clock, LoggedEvent } from "@sluice/core";
import { filesOfBase } from "@sluice/core";
import type { Commands } from "./commands.ts";
import type { EventLog } from "./store/port.ts";

/** So many versions of a dataset are kept however old they are, the newest. */
const versionsKeptMin = 3;

/** How many events are read at a time while the log is looked through for versions. */
const pageEvents = 50;

/** The versions that were published and can still be gone back to. */
export interface KeptVersions {
  /** The blobs that they are made of. Reads the log the first time. Throws what the store throws. */
  blobs(): Promise<ReadonlySet<string>>;
  close(): void;
}

interface KeptVersion {
  readonly sequence: number;
  readonly at: number;
  readonly names: readonly string[];
}

/** Keeps each version for `keepVersionsMs` after it was published, and the newest three of each dataset. */
export function createKeptVersions(dependencies: {
  readonly log: Pick<EventLog, "readControl">;
  readonly commands: Pick<Commands, "state" | "subscribe">;
  readonly clock: Clock;
  readonly keepVersionsMs: number;
}): KeptVersions {
  const { log, commands, clock, keepVersionsMs } = dependencies;
  /** By dataset, the oldest first: from before this process began, and since. */
  const older = new Map<string, readonly KeptVersion[]>();
  const newer = new Map<string, readonly KeptVersion[]>();
  const first = commands.state().sequence;
  let looked: Promise<void> | undefined;

  const isKept = (its: readonly KeptVersion[], index: number): boolean =>
    index >= its.length - versionsKeptMin || (its[index]?.at ?? 0) > clock.wall() - keepVersionsMs;

  const unsubscribe = commands.subscribe({
    events(events) {
      for (const logged of events) {
        const found = versionOf(logged);
        if (found === undefined) continue;
        newer.set(found.dataset, [...(newer.get(found.dataset) ?? []), found.version]);
      }
    },
  });

  const lookBack = async (dataset: string): Promise<readonly KeptVersion[]> => {
    let found: readonly KeptVersion[] = [];
    for (let before = first + 1; ; ) {
      const events = await log.readControl({ dataset, before, limit: pageEvents });
      found = [...events.flatMap((logged) => versionOf(logged)?.version ?? []), ...found];
      before = events[0]?.sequence ?? 0;
      if (events.length < pageEvents || (found.length > 0 && !isKept(found, 0))) return found;
    }
  };

  const look = async (): Promise<void> => {
    for (const dataset of Object.keys(commands.state().datasets)) older.set(dataset, await lookBack(dataset));
  };

  return {
    async blobs() {
      looked ??= look();
      await looked.catch((error: unknown) => {
        looked = undefined;
        throw error;
      });
      const names = new Set<string>();
      for (const dataset of new Set([...older.keys(), ...newer.keys()])) {
        const all = [...(older.get(dataset) ?? []), ...(newer.get(dataset) ?? [])];
        const kept = all.filter((_, index) => isKept(all, index));
        older.delete(dataset);
        newer.set(dataset, kept);
        for (const version of kept) for (const name of version.names) names.add(name);
      }
      return names;
    },
    close: unsubscribe,
  };
}

function versionOf({ sequence, at, event }: LoggedEvent): { dataset: string; version: KeptVersion } | undefined {
  if (event.type !== "version-published" && event.type !== "version-restored") return undefined;
  const { dataset, content, changes } = event;
  const names = [...filesOfBase(content.base).map(({ name }) => name), ...(changes === null ? [] : [changes])];
  return { dataset, version: { sequence, at, names } };
}
