import { createContentHash, createDifference, type DifferenceSummary, type JsonValue } from "@sluice/core";
import { createOverRecords, type OverRecords } from "./compare-group.ts";
import type { GroupSpan } from "./spool.ts";
import {
  compareItems,
  type ItemSpan,
  keyOf,
  type OpenBlobByName,
  sameValue,
  textOf,
  type VersionGroup,
  type VersionWalk,
  walkVersion,
} from "./strata.ts";

/** Two versions in one group of the key hash. */
export interface VersionComparisonInput {
  readonly span: GroupSpan;
  readonly before: VersionGroup;
  readonly after: VersionGroup;
  /** More than this is not worth to be laid over the base of `before`. */
  readonly over: { readonly itemsMax: number; readonly bytesMax: number };
  /** So many of the items that differ are shown. */
  readonly examplesMax: number;
}

/** In what they differ. */
export interface VersionComparison {
  readonly difference: DifferenceSummary;
  /** What has to be added to the content hash of `before`. */
  readonly contentHash: string;
  /** What makes `after` of the base of `before`; null where it is too much. */
  readonly over: OverRecords | null;
  /** What makes `after` of its own base. */
  readonly own: OverRecords | null;
}

const noLimit = { itemsMax: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER };

/** Walks through two versions side by side; both lie in the order of a part. Throws CORRUPT, naming a file that cannot be read. */
export function compareVersions(
  open: OpenBlobByName,
  { span, before, after, over, examplesMax }: VersionComparisonInput,
): VersionComparison {
  const content = createContentHash();
  const difference = createDifference({ parentItems: 0, examplesMax });
  const overBefore = createOverRecords(over);
  const overOwn = createOverRecords(noLimit);

  const look = (old: VersionWalk | null, its: VersionWalk | null): void => {
    const [was, is] = [old?.item ?? null, its?.item ?? null];
    const [wasInBase, isInBase] = [old?.inBase ?? null, its?.inBase ?? null];
    if (sameValue(was, is) && sameValue(is, wasInBase) && sameValue(is, isInBase)) return;
    old?.check();
    its?.check();
    if (!sameValue(is, wasInBase)) overBefore.add(is, wasInBase);
    if (!sameValue(is, isInBase)) overOwn.add(is, isInBase);
    if (sameValue(was, is)) return;
    if (was !== null) content.subtractItem(was.bytes.subarray(was.itemStart, was.end));
    if (is !== null) content.addItem(is.bytes.subarray(is.itemStart, is.end));
    if (!difference.wantsExample()) {
      difference.count(was === null ? "added" : is === null ? "removed" : "changed");
      return;
    }
    difference.add({ key: keyOf((is ?? was) as ItemSpan), before: valueOf(was), after: valueOf(is) });
  };

  const left = walkVersion(before, span, open);
  const right = walkVersion(after, span, open);
  try {
    let a = left.next();
    let b = right.next();
    while (a || b) {
      const order = a && b ? compareItems(left.key, right.key) : a ? -1 : 1;
      look(order <= 0 ? left : null, order >= 0 ? right : null);
      if (order <= 0) a = left.next();
      if (order >= 0) b = right.next();
    }
  } finally {
    left.close();
    right.close();
  }
  return {
    difference: difference.summary(),
    contentHash: content.hex(),
    over: overBefore.finish(),
    own: overOwn.finish(),
  };
}

function valueOf(item: ItemSpan | null): JsonValue | undefined {
  return item === null ? undefined : (JSON.parse(textOf(item)) as JsonValue);
}
