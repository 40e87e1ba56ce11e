import type { Content, DifferenceSummary, LoggedEvent } from "@sluice/core";
import { assert, createContentHash, createDelta, differenceExamplesMax, itemHash } from "@sluice/core";
import type { ReadableVersion } from "@sluice/replica";
import type { RestoreDifference } from "./difference.ts";
import type { Replay } from "./replay.ts";

/** A version that comes back, worked out against a stable version and brought up to the newest one patch by patch. */
export interface WorkedOut {
  /** Takes the next patch after the stable version that it was compared with. */
  take(logged: LoggedEvent): void;
  /** What comes back now, and in what it differs from what is stable now. */
  finish(): { readonly content: Content; readonly difference: DifferenceSummary };
}

interface Touched {
  readonly stable: string | undefined;
  readonly restored: string | undefined;
}

/**
 * What patches since the comparison touched is looked at item by item: a few hundred lookups, however large the dataset. `stable` and
 * `content` are what was compared and what came of it.
 */
export function createWorkedOut(
  replay: Replay,
  stable: ReadableVersion,
  content: Content,
  { difference }: Pick<RestoreDifference, "difference">,
): WorkedOut {
  const touched = new Map<string, Touched>();
  const now = new Map<string, string | undefined>();

  return {
    take(logged) {
      const { event } = logged;
      assert(event.type === "patched", "patches alone change lines while nothing is released");
      const { set, remove } = event.delta;
      for (const [key, canonical] of set) touch(key, canonical);
      for (const key of remove) touch(key, undefined);
      replay.take(logged);
    },
    finish() {
      const counts = { added: difference.added, changed: difference.changed, removed: difference.removed };
      const sum = createContentHash(content.contentHash);
      const over = new Map<string, string | null>();
      let { items } = content;
      let stableItems = difference.unchanged + difference.changed + difference.removed;
      for (const [key, before] of touched) {
        const after = { stable: now.get(key), restored: replay.values.get(key) };
        count(counts, before, -1);
        count(counts, after, 1);
        stableItems += Number(after.stable !== undefined) - Number(before.stable !== undefined);
        if (after.restored === before.restored) continue;
        if (before.restored !== undefined) sum.subtract(itemHash(key, before.restored));
        if (after.restored !== undefined) sum.add(itemHash(key, after.restored));
        items += Number(after.restored !== undefined) - Number(before.restored !== undefined);
        over.set(key, after.restored ?? null);
      }
      const unchanged = stableItems - counts.changed - counts.removed;
      const examples = difference.examples.slice(0, differenceExamplesMax);
      return {
        content: { base: content.base, overlay: laidOver(content.overlay, over), contentHash: sum.hex(), items },
        difference: { ...counts, unchanged, examples },
      };
    },
  };

  function touch(key: string, canonical: string | undefined): void {
    if (!touched.has(key)) touched.set(key, { stable: stable.get(key), restored: replay.values.get(key) });
    now.set(key, canonical);
  }
}

function count(
  counts: Record<"added" | "changed" | "removed", number>,
  { stable, restored }: Touched,
  by: number,
): void {
  if (stable === restored) return;
  counts[stable === undefined ? "added" : restored === undefined ? "removed" : "changed"] += by;
}

function laidOver(overlay: Content["overlay"], over: ReadonlyMap<string, string | null>): Content["overlay"] {
  if (over.size === 0) return overlay;
  const set = new Map(overlay?.set ?? []);
  const remove = new Set(overlay?.remove ?? []);
  for (const [key, canonical] of over) {
    if (canonical === null) {
      set.delete(key);
      remove.add(key);
    } else {
      remove.delete(key);
      set.set(key, canonical);
    }
  }
  return createDelta(set, remove);
}
