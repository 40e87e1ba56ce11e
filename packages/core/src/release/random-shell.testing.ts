import { own } from "../own.ts";
import type { Elapsed } from "./command.ts";
import type { LoggedEvent } from "./event.ts";
import type { NamespaceState } from "./state.ts";
import { isActive } from "./state.ts";

/** What the shell that decides knows beside the command: the state, what a store answers, time and chance. */
export interface Shell {
  readonly state: NamespaceState;
  readonly facts: Facts;
  readonly timers: Timers;
  /** The next number of chance. */
  readonly draw: () => number;
}

/** What a store finds out from the log. */
export interface Facts {
  /** Takes note of an event; `state` is the one after it. */
  take(logged: LoggedEvent, state: NamespaceState): void;
  /** The publishes of the lines that ever had a content. */
  linesWithContent(dataset: string, contentHash: string): readonly number[];
  /** What the stable line has been, oldest first. */
  stableVersions(dataset: string): readonly StableVersion[];
}

/** A version that everybody read. */
export interface StableVersion {
  readonly number: number;
  readonly contentHash: string;
  readonly publish: number;
  readonly bytesHash: string;
}

/** For how long releases have stood at their steps, and guards have been off, by a clock that does not jump. */
export interface Timers {
  /** Takes note of what is new in a state. */
  see(state: NamespaceState): void;
  pass(ms: number): void;
  elapsed(): {
    readonly elapsed: Readonly<Record<string, Elapsed>>;
    readonly guardOff: Readonly<Record<string, Elapsed>>;
  };
}

/** Knows nothing at first. */
export function createFacts(): Facts {
  const publishes = new Map<string, Set<number>>();
  const stables = new Map<string, StableVersion[]>();
  return {
    take({ event }, { datasets, releases }) {
      // The end of a release names the release alone.
      const of =
        "dataset" in event
          ? event.dataset
          : "release" in event
            ? own(releases, event.release ?? "")?.dataset
            : undefined;
      const known = of === undefined ? undefined : own(datasets, of);
      if (known === undefined) return;
      for (const line of [known.stable, known.candidate]) {
        if (line === null) continue;
        const key = `${known.name} ${line.contentHash}`;
        publishes.set(key, (publishes.get(key) ?? new Set()).add(line.publish));
      }
      const versions = stables.get(known.name) ?? [];
      stables.set(known.name, versions);
      if (known.stable === null || known.stable.number === versions.at(-1)?.number) return;
      const { number, contentHash, publish, origin } = known.stable;
      versions.push({ number, contentHash, publish, bytesHash: origin.bytesHash });
    },
    linesWithContent: (dataset, contentHash) => [...(publishes.get(`${dataset} ${contentHash}`) ?? [])],
    stableVersions: (dataset) => stables.get(dataset) ?? [],
  };
}

/** Begins to take the time of whatever is seen from now on. */
export function createTimers(): Timers {
  let now = 0;
  const steps = new Map<string, { since: number; at: number }>();
  const offs = new Map<string, { since: number; at: number }>();
  const note = (map: typeof steps, id: string, since: number | undefined): void => {
    if (since === undefined) map.delete(id);
    else if (map.get(id)?.since !== since) map.set(id, { since, at: now });
  };
  const lasting = (map: typeof steps): Record<string, Elapsed> =>
    Object.fromEntries([...map].map(([id, { since, at }]) => [id, { stepSince: since, elapsedMs: now - at }]));
  return {
    see({ releases }) {
      for (const release of Object.values(releases)) {
        note(steps, release.id, isActive(release) ? release.stepSince : undefined);
        note(offs, release.id, release.guardOff?.at);
      }
    },
    pass(ms) {
      now += ms;
    },
    elapsed: () => ({ elapsed: lasting(steps), guardOff: lasting(offs) }),
  };
}
