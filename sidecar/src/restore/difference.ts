import type { BaseRef, Content, DifferenceSummary } from "@sluice/core";
import { createContentHash, createDifference, filesOfBase, partCountFor, SluiceError } from "@sluice/core";
import type { Blobs, ReadableVersion } from "@sluice/replica";
import { byGroups } from "../publish/compare.ts";
import type { OverRecords } from "../publish/compare-group.ts";
import { overlayContent } from "../publish/content.ts";
import { eachGroup } from "../publish/groups.ts";
import { createOverlayPlan, type OverlayItems } from "../publish/overlay-plan.ts";
import { rangeCount } from "../publish/spool.ts";
import type { Bench } from "../publish/workbench.ts";
import type { LineValues } from "./line-values.ts";

/** So many of the items that differ are shown to whoever has to choose. */
const listedMax = 100;

/** In what a version that comes back differs from the one that is stable. */
export interface RestoreDifference {
  readonly contentHash: string;
  readonly items: number;
  /** With at most `listedMax` examples. */
  readonly difference: DifferenceSummary;
  /** What has to lie over the stable version's files; null where that is too much. */
  readonly overStable: OverlayItems | null;
  /** What has to lie over its own. */
  readonly own: OverlayItems;
}

/** Where versions are compared. */
export interface CompareWork {
  readonly bench: Bench;
  readonly blobs: Blobs;
  readonly signal: AbortSignal;
  readonly yieldNow: () => Promise<void>;
}

/** Compares them group by group, in the threads of the bench: what is decoded of them is what differs. Throws CORRUPT. */
export async function compareWithStable(
  { bench, signal, yieldNow }: CompareWork,
  stable: ReadableVersion,
  restored: LineValues,
): Promise<RestoreDifference> {
  const groups = groupCountOf(stable.base, restored.base);
  const before = await byGroups(stable.overlay(), groups, yieldNow);
  const after = await byGroups(restored.overlay(), groups, yieldNow);
  const sum = createContentHash(stable.contentHash);
  const difference = createDifference({ parentItems: stable.items, examplesMax: listedMax });
  const plan = createOverlayPlan(stable.items);
  const own = createOwnPlan();
  await eachGroup({
    bench,
    groups,
    signal,
    work: (span) =>
      bench.run("compare-versions", {
        span,
        before: { base: stable.base, overlay: before.get(span.index) ?? [] },
        after: { base: restored.base, overlay: after.get(span.index) ?? [] },
        over: plan.left(),
        examplesMax: listedMax,
      }),
    take(compared) {
      sum.addHash(compared.contentHash);
      difference.merge(compared.difference);
      plan.add(compared.over);
      own.add(compared.own);
    },
  });
  const summary = difference.summary();
  return {
    contentHash: sum.hex(),
    items: stable.items + summary.added - summary.removed,
    difference: summary,
    overStable: plan.finish(),
    own: own.finish(),
  };
}

/**
 * The content of the version that comes back: on the files of the stable version where little has to lie over them, so that followers
 * fetch next to nothing; else on its own, which followers fetch as far as they have let go of them.
 */
export async function contentOf(
  { bench, blobs }: CompareWork,
  stable: BaseRef,
  restored: BaseRef,
  { contentHash, items, overStable, own }: RestoreDifference,
): Promise<Content> {
  const [base, over] = overStable === null ? [restored, own] : [stable, overStable];
  const missing = filesOfBase(base).find(({ name }) => !blobs.has(name));
  if (missing !== undefined) {
    throw new SluiceError("CORRUPT", `file ${missing.name}, which the version stands on, is gone`, {
      details: { blob: missing.name },
    });
  }
  return { ...(await overlayContent({ bench, blobs }, base, over)), contentHash, items };
}

function groupCountOf(...bases: readonly BaseRef[]): number {
  const bytes = bases.map((base) => filesOfBase(base).reduce((all, file) => all + file.bytes, 0));
  return Math.min(rangeCount, partCountFor(Math.max(...bytes)));
}

function createOwnPlan(): { add(records: OverRecords | null): void; finish(): OverlayItems } {
  const hidden = createContentHash();
  const records: Uint8Array[] = [];
  let hiddenItems = 0;
  let items = 0;
  let textBytes = 0;
  return {
    add(more) {
      if (more === null) throw new Error("what lies over a version's own files has no limit");
      items += more.items;
      textBytes += more.textBytes;
      hiddenItems += more.hidden.items;
      hidden.addHash(more.hidden.contentHash);
      if (more.bytes.length > 0) records.push(more.bytes);
    },
    finish: () => ({ records, items, textBytes, hidden: { contentHash: hidden.hex(), items: hiddenItems } }),
  };
}
