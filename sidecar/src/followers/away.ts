import type { Clock } from "@sluice/core";
import type { FollowerInfo } from "@sluice/core/api";

/** For how long a follower is called away after its lease has ended, in milliseconds; then it is taken for gone. */
export const awayMs = 900_000;

/** How many are called away at a time, the newest. */
const awayMax = 10_000;

/** Followers whose lease has ended without a goodbye: crashed, or cut off and serving what they have. */
export interface AwayBook {
  lost(follower: FollowerInfo): void;
  /** It is back, or has said goodbye after all. False where it was not away. */
  clear(id: string): boolean;
  /** The one of this name that has been away for longest. */
  named(name: string): FollowerInfo | undefined;
  /** Those lost within the last 15 minutes, the newest last. */
  list(): readonly FollowerInfo[];
}

/** Nobody is away at first. */
export function createAwayBook(clock: Clock): AwayBook {
  const away = new Map<string, { readonly follower: FollowerInfo; readonly atMs: number }>();
  const ids = new Map<string, Set<string>>();

  function prune(): void {
    const now = clock.now();
    for (const [id, { atMs }] of away) {
      if (away.size <= awayMax && now - atMs < awayMs) return;
      clear(id);
    }
  }

  function clear(id: string): boolean {
    const name = away.get(id)?.follower.name;
    if (name === undefined) return false;
    away.delete(id);
    const namesakes = ids.get(name);
    namesakes?.delete(id);
    if (namesakes?.size === 0) ids.delete(name);
    return true;
  }

  return {
    lost(follower) {
      const { id, name } = follower;
      clear(id);
      away.set(id, { follower, atMs: clock.now() });
      ids.set(name, (ids.get(name) ?? new Set()).add(id));
      prune();
    },
    clear,
    named(name) {
      prune();
      const [id] = ids.get(name) ?? [];
      return id === undefined ? undefined : away.get(id)?.follower;
    },
    list() {
      prune();
      return [...away.values()].map(({ follower }) => follower);
    },
  };
}
