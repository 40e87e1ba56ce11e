import type { ItemChange } from "./checks.ts";
import type { JsonValue } from "./json-value.ts";
import { clipKey } from "./key.ts";

/** An item that differs, as an example. No `before` where it was added, no `after` where it was removed. */
export interface DifferenceExample {
  /** Cut to 200 characters. */
  readonly key: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
  /** True where the values are left out because their JSON is longer than 2,000 characters. */
  readonly omitted?: true;
}

/** What differs between a version and its parent. */
export interface DifferenceSummary {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly unchanged: number;
  /** The first 20 items that differ. */
  readonly examples: readonly DifferenceExample[];
}

/** In what way an item differs. */
export type DifferenceKind = "added" | "removed" | "changed";

/** Adds up a difference that is fed one changed item at a time. */
export interface DifferenceCount {
  /** Counts one item that differs. Items that do not differ are not fed. */
  add(change: ItemChange): void;
  /** Whether there is room for another example; where there is none, `count` does as well as `add`. */
  wantsExample(): boolean;
  /** Counts items (default one) that differ in one way, without looking at them. */
  count(kind: DifferenceKind, items?: number): void;
  /** Takes in what was counted of other items, whose examples come after those that are here. */
  merge(other: Omit<DifferenceSummary, "unchanged">): void;
  summary(): DifferenceSummary;
}

/** How many items a summary shows. */
export const differenceExamplesMax = 20;

/** How many characters of JSON an example's values may have together. */
const exampleCharactersMax = 2000;

/** Starts to count; `parentItems` is the number of items in the parent, 0 for a first version, `examplesMax` how many are shown, default 20. */
export function createDifference(parent: {
  readonly parentItems: number;
  readonly examplesMax?: number;
}): DifferenceCount {
  const { examplesMax = differenceExamplesMax } = parent;
  const counts: Record<DifferenceKind, number> = { added: 0, removed: 0, changed: 0 };
  const examples: DifferenceExample[] = [];
  const wantsExample = (): boolean => examples.length < examplesMax;
  return {
    add(change) {
      counts[change.before === undefined ? "added" : change.after === undefined ? "removed" : "changed"]++;
      if (wantsExample()) examples.push(exampleOf(change));
    },
    wantsExample,
    count(kind, items = 1) {
      counts[kind] += items;
    },
    merge(other) {
      counts.added += other.added;
      counts.removed += other.removed;
      counts.changed += other.changed;
      examples.push(...other.examples.slice(0, examplesMax - examples.length));
    },
    summary: () => ({
      ...counts,
      unchanged: parent.parentItems - counts.removed - counts.changed,
      examples: [...examples],
    }),
  };
}

function exampleOf({ key, before, after }: ItemChange): DifferenceExample {
  const values = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
  // The summary stands in the log for ever; a value may have a megabyte.
  const omitted = JSON.stringify(values).length > exampleCharactersMax;
  return omitted ? { key: clipKey(key), omitted: true } : { key: clipKey(key), ...values };
}
