import type { Check, CheckReport, DifferenceSummary, ItemChange, JsonValue } from "@sluice/core";
import { createCheckRun, createContentHash, createDifference, itemHash, murmur3 } from "@sluice/core";
import type { Blobs, ReadableVersion } from "@sluice/replica";
import type { ChangeList } from "./changes.ts";
import { compareKeys, createChangeList } from "./changes.ts";
import { createOverlayPlan, type OverlayItems } from "./overlay-plan.ts";
import type { Pace } from "./pace.ts";
import type { ParentSlice } from "./parent.ts";
import { openParent } from "./parent.ts";
import { readRecords } from "./records.ts";
import type { Spool } from "./spool.ts";

/** What an upload differs in from its parent. */
export interface Comparison {
  readonly contentHash: string;
  readonly items: number;
  readonly difference: DifferenceSummary;
  readonly report: CheckReport;
  /** The changed items for the quarantine; null without a parent. */
  readonly changes: ChangeList | null;
  /** What has to lie over the parent's base; null where a new base is the better one. */
  readonly overlay: OverlayItems | null;
}

/** What an upload is compared with. */
export interface Compared {
  readonly parent: ReadableVersion | null;
  readonly checks: readonly Check[];
  readonly sliceCount: number;
  /** Called after each slice with the share that is done, 0 to 1. */
  readonly onShare: (share: number) => void;
}

/** An item in which the upload differs from its parent or from the parent's base. */
interface Differing {
  readonly keyHash: number;
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly base: string | undefined;
}

/**
 * Compares an upload with its parent slice by slice: one slice of both is in memory at a time, and the list of changes.
 * Throws CORRUPT or BLOB_UNKNOWN where the parent cannot be read.
 */
export async function compare(spool: Spool, blobs: Blobs, compared: Compared, pace: Pace): Promise<Comparison> {
  const { parent, checks, sliceCount, onShare } = compared;
  const parentItems = parent?.items ?? 0;
  const contentHash = createContentHash(parent?.contentHash);
  const difference = createDifference({ parentItems });
  const run = createCheckRun(checks, { parentItems });
  const changes = parent === null ? null : createChangeList();
  const overlay = createOverlayPlan(parent === null ? 0 : spool.items);

  const reader = await openParent(parent, blobs, sliceCount, pace);
  try {
    for (let index = 0; index < sliceCount; index++) {
      const differing = await differingOf(await spool.slice(index, sliceCount), await reader.next(), pace);
      for (const { key, before, after, base } of differing) {
        if (after !== base) overlay.add(key, after, base);
        if (before !== after) {
          if (before !== undefined) contentHash.subtract(itemHash(key, before));
          if (after !== undefined) contentHash.add(itemHash(key, after));
          const change = changeOf(key, before, after);
          difference.add(change);
          run.add(change);
          changes?.add(key, after);
        }
        if (pace.spent(4 * ((before?.length ?? 0) + (after?.length ?? 0)))) await pace.turn();
      }
      onShare((index + 1) / sliceCount);
    }
  } finally {
    reader.close();
  }
  return {
    contentHash: contentHash.hex(),
    items: spool.items,
    difference: difference.summary(),
    report: run.finish({ items: spool.items }),
    changes: changes?.finish() ?? null,
    overlay: parent === null ? null : overlay.finish(),
  };
}

/** The differences in one slice, by key hash and key: whatever order the upload came in, the same ones are the first examples. */
async function differingOf(records: Buffer, { base, overlay }: ParentSlice, pace: Pace): Promise<readonly Differing[]> {
  const differing: Differing[] = [];
  for (const { keyHash, key, canonical } of readRecords(records)) {
    const inBase = base.get(key);
    const before = overlay.has(key) ? overlay.get(key) : inBase;
    base.delete(key);
    overlay.delete(key);
    if (before !== canonical || inBase !== canonical) {
      differing.push({ keyHash, key, before, after: canonical, base: inBase });
    }
    if (pace.spent(canonical.length)) await pace.turn();
  }
  // What is left of the parent is not in the upload.
  for (const [key, inBase] of base) {
    const before = overlay.has(key) ? overlay.get(key) : inBase;
    overlay.delete(key);
    differing.push(removed(key, before, inBase));
  }
  for (const [key, before] of overlay) if (before !== undefined) differing.push(removed(key, before, undefined));
  return differing.sort((a, b) => a.keyHash - b.keyHash || compareKeys(a.key, b.key));
}

function removed(key: string, before: string | undefined, base: string | undefined): Differing {
  return { keyHash: murmur3(key), key, before, after: undefined, base };
}

function changeOf(key: string, before: string | undefined, after: string | undefined): ItemChange {
  return { key, before: valueOf(before), after: valueOf(after) };
}

function valueOf(canonical: string | undefined): JsonValue | undefined {
  return canonical === undefined ? undefined : (JSON.parse(canonical) as JsonValue);
}
