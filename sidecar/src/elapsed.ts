import type { Clock, Elapsed, NamespaceState, ReleaseState } from "@sluice/core";
import { isActive } from "@sluice/core";

/**
 * Says for how long something of each active release has lasted, since what `sinceOf` gives; null is nothing. The log has wall times,
 * which jump; so the wall clock is asked once, when it is first seen, and the monotonic one from then on. What passed before a
 * restart only the wall clock knows.
 */
export function createElapsed(
  clock: Clock,
  sinceOf: (release: ReleaseState) => number | null,
): (state: NamespaceState) => Readonly<Record<string, Elapsed>> {
  let seen = new Map<string, { readonly stepSince: number; readonly sinceMs: number }>();
  return ({ releases }) => {
    const now = clock.now();
    const lasting = Object.values(releases).flatMap((release) => {
      const stepSince = isActive(release) ? sinceOf(release) : null;
      return stepSince === null ? [] : [{ id: release.id, stepSince }];
    });
    seen = new Map(
      lasting.map(({ id, stepSince }) => {
        const known = seen.get(id);
        if (known?.stepSince === stepSince) return [id, known];
        return [id, { stepSince, sinceMs: now - Math.max(0, clock.wall() - stepSince) }];
      }),
    );
    return Object.fromEntries(
      [...seen].map(([id, { stepSince, sinceMs }]) => [id, { stepSince, elapsedMs: now - sinceMs }]),
    );
  };
}
