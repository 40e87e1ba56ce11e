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

/** Adds up a difference that is fed one changed item at a time. */
export interface DifferenceCount {
  /** Counts one item that differs. Items that do not differ are not fed. */
  add(change: ItemChange): void;
  summary(): DifferenceSummary;
}

/** How many items a summary shows. */
const differenceExamplesMax = 20;

/** How many characters of JSON an example's values may have together. */
const exampleCharactersMax = 2000;

/** Starts to count; `parentItems` is the number of items in the parent, 0 for a first version. */
export function createDifference(parent: { readonly parentItems: number }): DifferenceCount {
  let added = 0;
  let removed = 0;
  let changed = 0;
  const examples: DifferenceExample[] = [];
  return {
    add(change) {
      if (change.before === undefined) added++;
      else if (change.after === undefined) removed++;
      else changed++;
      if (examples.length < differenceExamplesMax) examples.push(exampleOf(change));
    },
    summary: () => ({
      added,
      removed,
      changed,
      unchanged: parent.parentItems - removed - changed,
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
