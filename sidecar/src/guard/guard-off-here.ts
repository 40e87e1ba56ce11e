import type { Clock, ReleaseState } from "@sluice/core";

/** Two moments of this host's wall clock that differ by less are the same, in milliseconds. */
const driftMs = 1_000;

/** For how long a guard has been off, as a restart can go on with it. */
export interface KeptGuardOff {
  readonly release: string;
  /** When it was turned off, by the origin's wall clock: which time it was. */
  readonly at: number;
  /** The same by this host's wall clock, as it went when this was kept. */
  readonly since: number;
}

/** For how long guards are off by a person's word, on a host that may hear nothing of the origin. */
export interface GuardOffHere {
  /** Takes up what was kept, before the first question. */
  restore(kept: readonly KeptGuardOff[]): void;
  /** Whether the guard of a release is off now; to be asked whenever the state has moved, and now and then. */
  isOff(release: ReleaseState): boolean;
  /** Forgets all releases but these. */
  retain(releases: { has(release: string): boolean }): void;
  kept(): readonly KeptGuardOff[];
  /** Whether `kept` has become something else since it was asked last. */
  hasChanged(): boolean;
}

interface Seen {
  /** When the guard was turned off by what the state says; null where it is on. */
  readonly at: number | null;
  /** When that was by the clock that does not jump. */
  readonly sinceMs: number;
  /** Up to when by that clock the state is known to have said so; null where there was no contact. */
  asOfMs: number | null;
}

/**
 * How long it lasts is worked out once, when the state first says so, and measured by the clock that does not jump from then on. When
 * it began is told by the origin's wall clock, and this host's may be another hour: it cannot have begun before the last contact under
 * which it was not so. What passed before a restart this host's wall clock alone knows, against itself.
 */
export function createGuardOffHere(clock: Clock, contactAgeMs: () => number | null): GuardOffHere {
  const seen = new Map<string, Seen>();
  let restored = new Map<string, KeptGuardOff>();
  let given = new Map<string, number>();

  const asOfMs = (): number | null => {
    const ageMs = contactAgeMs();
    return ageMs === null ? null : clock.now() - ageMs;
  };

  const sinceMs = (release: string, at: number, before: Seen | undefined): number => {
    const its = restored.get(release);
    if (its?.at === at) return clock.now() - Math.max(0, clock.wall() - its.since);
    const earliest = before?.asOfMs ?? Number.NEGATIVE_INFINITY;
    return Math.max(clock.now() - Math.max(0, clock.wall() - at), earliest);
  };

  const sinceWall = ({ sinceMs: since }: Seen): number => clock.wall() - (clock.now() - since);
  const off = (): (readonly [string, Seen, number])[] =>
    [...seen].flatMap(([release, its]) => (its.at === null ? [] : [[release, its, its.at] as const]));

  return {
    restore: (kept) => void (restored = new Map(kept.map((each) => [each.release, each]))),
    isOff({ id, guardOff }) {
      const at = guardOff?.at ?? null;
      const before = seen.get(id);
      const now = asOfMs();
      const its: Seen =
        before?.at === at ? before : { at, sinceMs: at === null ? clock.now() : sinceMs(id, at, before), asOfMs: null };
      its.asOfMs = now ?? its.asOfMs;
      seen.set(id, its);
      return guardOff !== null && clock.now() - its.sinceMs < guardOff.until - guardOff.at;
    },
    retain(releases) {
      for (const id of seen.keys()) if (!releases.has(id)) seen.delete(id);
    },
    kept() {
      const list = off().map(([release, its, at]) => ({ release, at, since: sinceWall(its) }));
      given = new Map(list.map(({ release, since }) => [release, since]));
      return list;
    },
    hasChanged() {
      const now = off();
      const isSame = ([release, its]: (typeof now)[number]): boolean => {
        const before = given.get(release);
        return before !== undefined && Math.abs(sinceWall(its) - before) < driftMs;
      };
      return now.length !== given.size || !now.every(isSame);
    },
  };
}
