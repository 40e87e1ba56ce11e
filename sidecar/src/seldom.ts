import type { Clock } from "@sluice/core";

/** How often one thing is said at most, in milliseconds. */
const sayMs = 60_000;

/** Says what happens again and again at once, and then once a minute with how often it has happened since it was said last. */
export type Seldom = (what: string, say: (times: number) => void) => void;

/** What is tried again several times a second would fill the disk whose fault it may be. `what` is one of a few words. */
export function createSeldom(clock: Pick<Clock, "now">): Seldom {
  const said = new Map<string, { readonly atMs: number; times: number }>();
  return (what, say) => {
    const last = said.get(what);
    const now = clock.now();
    if (last !== undefined && now - last.atMs < sayMs) {
      last.times++;
      return;
    }
    say((last?.times ?? 0) + 1);
    said.set(what, { atMs: now, times: 0 });
  };
}
