import type { Content, DifferenceSummary, LoggedEvent } from "@sluice/core";
import { assert, createContentHash, createDelta, differenceExamplesMax, itemHash } from "@sluice/core";
import type { ReadableVersion } from "@sluice/replica";
import type { RestoreDifference } from "./difference.ts";
import type { Replay } from "./replay.ts";

/** A version that comes back, worked out against a stable version and brought up to the newest one patch by patch. */
export interface WorkedOut {
  /** Takes the next patch after the stable version that it was compared with. */
  take(logged: LoggedEvent): void;
  /** What comes back now over the given files, and in what it differs from what is stable now. */
  finish(files: Pick<Content, "base" | "overlay">): {
    readonly content: Content;
    readonly difference: DifferenceSummary;
    /** The items that lose something; another that differs gets something back. */
    readonly droppedKeys: number;
  };
}

interface Touched {
  readonly stable: string | undefined;
  readonly restored: string | undefined;
  /** What would come back without what the stable version has lost already. */
  readonly without: string | undefined;
}

/** How many items are looked at without a turn for anybody else. */
const itemsPerTurn = 256;

/**
 * What patches since the comparison touched is looked at item by item: a few hundred lookups, however large the dataset. `stable` is
 * what was compared, `compared` what came of it.
 */
export async function createWorkedOut(
  replay: Replay,
  stable: Pick<ReadableVersion, "get">,
  compared: Pick<RestoreDifference, "contentHash" | "items" | "difference">,
  yieldNow: () => Promise<void>,
): Promise<WorkedOut> {
  const { difference } = compared;
  const touched = new Map<string, Touched>();
  const now = new Map<string, string | undefined>();
  /** How many items more, or fewer, lose something than differ. */
  let gained = 0;
  let looked = 0;
  for (const [key, without] of replay.without) {
    const has = stable.get(key);
    gained += Number(has !== without) - Number(has !== replay.values.get(key));
    if (++looked % itemsPerTurn === 0) await yieldNow();
  }

  return {
    take(logged) {
      const { event } = logged;
      assert(event.type === "patched", "patches alone change lines while nothing is released");
      const { set, remove } = event.delta;
      for (const [key, canonical] of set) touch(key, canonical);
      for (const key of remove) touch(key, undefined);
      replay.take(logged);
    },
    finish(files) {
      const counts = { added: difference.added, changed: difference.changed, removed: difference.removed };
      const sum = createContentHash(compared.contentHash);
      const over = new Map<string, string | null>();
      let droppedKeys = counts.added + counts.changed + counts.removed + gained;
      let { items } = compared;
      let stableItems = difference.unchanged + difference.changed + difference.removed;
      for (const [key, before] of touched) {
        const after = { stable: now.get(key), ...comesBack(key) };
        count(counts, before, -1);
        count(counts, after, 1);
        droppedKeys += Number(after.stable !== after.without) - Number(before.stable !== before.without);
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
        content: { base: files.base, overlay: laidOver(files.overlay, over), contentHash: sum.hex(), items },
        difference: { ...counts, unchanged, examples },
        droppedKeys,
      };
    },
  };

  function touch(key: string, canonical: string | undefined): void {
    if (!touched.has(key)) touched.set(key, { stable: stable.get(key), ...comesBack(key) });
    now.set(key, canonical);
  }

  function comesBack(key: string): Omit<Touched, "stable"> {
    const restored = replay.values.get(key);
    return { restored, without: replay.without.has(key) ? replay.without.get(key) : restored };
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
