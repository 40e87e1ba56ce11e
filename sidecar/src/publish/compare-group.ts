import { type Check, type ContentSum, createContentHash, packedHeaderBytes } from "@sluice/core";
import { createChangeList } from "./changes.ts";
import { loadGroup, type RepeatedKeys } from "./group.ts";
import { createObserver, type Observed } from "./observe.ts";
import { viewOf } from "./records.ts";
import type { GroupSpan } from "./spool.ts";
import type { SpoolFiles } from "./spool-files.ts";
import {
  compareItems,
  type ItemSpan,
  keyOf,
  type OpenBlobByName,
  sameValue,
  spanOf,
  type VersionGroup,
  walkVersion,
} from "./strata.ts";

/** What a group of an upload is compared with. */
export interface GroupComparisonInput {
  readonly span: GroupSpan;
  readonly parent: VersionGroup;
  readonly checks: readonly Check[];
  /** More than this is not worth to be laid over the parent's base. */
  readonly over: { readonly itemsMax: number; readonly bytesMax: number };
}

/** What lies over the parent's base in one group. */
export interface OverRecords {
  /** Packed records in the order of a layer. */
  readonly bytes: Uint8Array;
  readonly items: number;
  /** UTF-8 bytes of keys and values. */
  readonly textBytes: number;
  /** The items of the base that it takes the place of. */
  readonly hidden: ContentSum;
}

/** What came of comparing a group. */
export interface GroupComparison extends Observed {
  readonly repeated: RepeatedKeys;
  /** What has to be added to the parent's content hash. */
  readonly contentHash: string;
  /** Null where it is too much. */
  readonly over: OverRecords | null;
}

/** The name in the spool of the changes of a group. */
export function changesName(index: number): string {
  return `changes-${index}`;
}

/**
 * Compares a group of an upload with the same group of its parent, record by record: both lie in the order of a part. The list
 * of changes stays in the spool. Throws CORRUPT where the parent cannot be read.
 */
export function compareGroup(
  files: SpoolFiles,
  open: OpenBlobByName,
  { span, parent, checks, over }: GroupComparisonInput,
): GroupComparison {
  const { records, repeated } = loadGroup(files, span);
  const content = createContentHash();
  const observer = createObserver(checks);
  const changes = createChangeList();
  const gathered = createOverRecords(over);

  const look = (before: ItemSpan | null, after: ItemSpan | null, inBase: ItemSpan | null): void => {
    if (!sameValue(after, inBase)) gathered.add(after, inBase);
    if (sameValue(before, after)) return;
    if (before !== null) content.subtractItem(before.bytes.subarray(before.itemStart, before.end));
    if (after !== null) content.addItem(after.bytes.subarray(after.itemStart, after.end));
    observer.add(before, after);
    const key = keyOf((after ?? before) as ItemSpan);
    changes.add(key, after === null ? null : after.bytes.subarray(after.keyEnd, after.end));
  };

  const walk = walkVersion(parent, span, open);
  try {
    const view = viewOf(records.bytes);
    let ahead = walk.next();
    for (let index = 0; index < records.positions.length; index++) {
      const keyHash = records.keyHashes[index] as number;
      const after = spanOf(records.bytes, view, records.positions[index] as number, keyHash);
      let order = ahead ? compareItems(walk.key, after) : 1;
      for (; order < 0; order = ahead ? compareItems(walk.key, after) : 1) {
        walk.check();
        look(walk.item, null, walk.inBase);
        ahead = walk.next();
      }
      if (order > 0) look(null, after, null);
      else {
        if (!sameValue(walk.item, after) || !sameValue(walk.inBase, after)) walk.check();
        look(walk.item, after, walk.inBase);
        ahead = walk.next();
      }
    }
    for (; ahead; ahead = walk.next()) {
      walk.check();
      look(walk.item, null, walk.inBase);
    }
  } finally {
    walk.close();
  }
  files.release(records.bytes);
  if (changes.count > 0) files.append(changesName(span.index), changes.bytes());
  return { ...observer.finish(), repeated, contentHash: content.hex(), over: gathered.finish() };
}

/** Copies what lies over a base until it is too much. */
export function createOverRecords({ itemsMax, bytesMax }: GroupComparisonInput["over"]): {
  add(item: ItemSpan | null, inBase: ItemSpan | null): void;
  finish(): OverRecords | null;
} {
  const hidden = createContentHash();
  let hiddenItems = 0;
  let bytes = new Uint8Array(1024);
  let end = 0;
  let items = 0;
  let textBytes = 0;

  const fits = (): boolean => items <= itemsMax && textBytes <= bytesMax;

  return {
    add(item, inBase) {
      items++;
      const from = (item ?? inBase) as ItemSpan;
      const keyBytes = from.keyEnd - from.keyStart;
      const valueBytes = item === null ? 0 : item.end - item.keyEnd;
      textBytes += keyBytes + valueBytes;
      if (!fits()) return;
      if (inBase !== null) {
        hidden.addItem(inBase.bytes.subarray(inBase.itemStart, inBase.end));
        hiddenItems++;
      }
      const length = packedHeaderBytes + keyBytes + valueBytes;
      if (end + length > bytes.length) {
        const wider = new Uint8Array(Math.max(2 * bytes.length, end + length));
        wider.set(bytes.subarray(0, end));
        bytes = wider;
      }
      viewOf(bytes).setUint32(end, valueBytes);
      bytes.set(from.bytes.subarray(from.itemStart, from.keyEnd + valueBytes), end + 4);
      end += length;
    },
    finish: () =>
      fits()
        ? { bytes: bytes.slice(0, end), items, textBytes, hidden: { contentHash: hidden.hex(), items: hiddenItems } }
        : null,
  };
}
