import type { Check, CheckReport, DifferenceSummary, PartRef } from "@sluice/core";
import { createCheckRun, createContentHash, createDifference, murmur3 } from "@sluice/core";
import type { Blobs, ReadableVersion } from "@sluice/replica";
import type { Observed } from "./observe.ts";
import { buildParts } from "./build-parts.ts";
import { nothingRepeated, type RepeatedKeys } from "./group.ts";
import { eachGroup, groupCountOf } from "./groups.ts";
import { createOverlayPlan, type OverlayItems } from "./overlay-plan.ts";
import { mergeRepeated } from "./problems.ts";
import type { SpoolSummary } from "./spool.ts";
import type { OverlayEntries } from "./strata.ts";
import type { Bench } from "./workbench.ts";

/** What an upload differs in from its parent. */
export interface Comparison {
  readonly contentHash: string;
  readonly items: number;
  readonly difference: DifferenceSummary;
  readonly report: CheckReport;
  /** The changed items for the quarantine, in the spool; null without a parent. */
  readonly changes: ChangeList | null;
  /** What has to lie over the parent's base; null where parts of its own are the better choice. */
  readonly overlay: OverlayItems | null;
  /** The parts of a first version, which are built to know its content hash; null where they are yet to be built. */
  readonly parts: readonly PartRef[] | null;
}

/** A list of changed items that lies in the spool. */
export interface ChangeList {
  /** SHA-256 of its bytes, 64 hex digits. */
  readonly name: string;
  readonly count: number;
  readonly groups: number;
}

/** What an upload is compared with, and where. */
export interface Compared {
  readonly bench: Bench;
  readonly spool: SpoolSummary;
  readonly blobs: Blobs;
  readonly parent: ReadableVersion | null;
  readonly checks: readonly Check[];
  readonly signal: AbortSignal;
  readonly yieldNow: () => Promise<void>;
  /** Called after each group with the share that is done, 0 to 1. Of a first version this is the share that is written. */
  readonly onShare: (phase: "comparing" | "writing", share: number) => void;
}

/** What came of it: a comparison, or the keys that came twice. */
export type CompareResult =
  | { readonly repeated: RepeatedKeys }
  | { readonly repeated: null; readonly comparison: Comparison };

/** How many items of an overlay are sorted between two turns of the event loop. */
const overlayStep = 1_000;

/**
 * Compares an upload with its parent, group by group: one group of both is in memory at a time for each lane of the bench. A
 * first version is built instead. Throws CORRUPT where the parent cannot be read.
 */
export async function compare(compared: Compared): Promise<CompareResult> {
  const { parent } = compared;
  return parent === null ? compareFirst(compared) : compareWith(parent, compared);
}

async function compareFirst(compared: Compared): Promise<CompareResult> {
  const { spool, checks, onShare } = compared;
  const totals = createTotals(checks, 0);
  const { repeated, parts } = await buildParts({
    ...compared,
    first: { checks },
    onShare: (share) => onShare("writing", share),
    onObserved: (observed) => totals.add(observed),
  });
  if (repeated.total > 0) return { repeated };
  const sum = createContentHash();
  for (const part of parts) sum.addHash(part.contentHash);
  const comparison = {
    ...totals.finish(spool.items),
    contentHash: sum.hex(),
    items: spool.items,
    changes: null,
    overlay: null,
    parts,
  };
  return { repeated: null, comparison };
}

async function compareWith(parent: ReadableVersion, compared: Compared): Promise<CompareResult> {
  const { bench, spool, checks, signal, onShare } = compared;
  const groups = groupCountOf(spool);
  const overlays = await byGroups(parent.overlay(), groups, compared.yieldNow);
  const totals = createTotals(checks, parent.items);
  const plan = createOverlayPlan(spool.items);
  const sum = createContentHash(parent.contentHash);
  let repeated = nothingRepeated;
  await eachGroup({
    bench,
    groups,
    signal,
    work: (span) =>
      bench.run("compare", {
        span,
        parent: { base: parent.base, overlay: overlays.get(span.index) ?? [] },
        checks,
        over: plan.left(),
      }),
    take(compared, done) {
      repeated = mergeRepeated(repeated, compared.repeated);
      totals.add(compared);
      plan.add(compared.over);
      sum.addHash(compared.contentHash);
      onShare("comparing", done / groups);
    },
  });
  if (repeated.total > 0) return { repeated };
  const { difference, report } = totals.finish(spool.items);
  const changes = {
    name: await bench.run("name-changes", groups),
    count: difference.added + difference.changed + difference.removed,
    groups,
  };
  const comparison = {
    contentHash: sum.hex(),
    items: spool.items,
    difference,
    report,
    changes,
    overlay: plan.finish(),
    parts: null,
  };
  return { repeated: null, comparison };
}

/** Adds up what was observed in the groups. */
function createTotals(
  checks: readonly Check[],
  parentItems: number,
): { add(observed: Observed): void; finish(items: number): Pick<Comparison, "difference" | "report"> } {
  const difference = createDifference({ parentItems });
  const run = createCheckRun(checks, { parentItems });
  return {
    add(observed) {
      difference.merge(observed.difference);
      run.merge(observed.tally);
    },
    finish: (items) => ({ difference: difference.summary(), report: run.finish({ items }) }),
  };
}

/** What lies over a base by group: it is in memory, and some thousand items. */
export async function byGroups(
  overlay: Iterable<readonly [key: string, canonical: string | undefined]>,
  groups: number,
  yieldNow: () => Promise<void>,
): Promise<ReadonlyMap<number, OverlayEntries>> {
  const byGroup = new Map<number, [string, string | null][]>();
  let looked = 0;
  for (const [key, canonical] of overlay) {
    const index = Math.floor((murmur3(key) * groups) / 0x1_0000_0000);
    const entries = byGroup.get(index) ?? [];
    byGroup.set(index, entries);
    entries.push([key, canonical ?? null]);
    if (++looked % overlayStep === 0) await yieldNow();
  }
  return byGroup;
}
