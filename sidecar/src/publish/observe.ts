import {
  type Check,
  type CheckTally,
  createCheckRun,
  createDifference,
  type DifferenceSummary,
  type ItemChange,
  type JsonValue,
} from "@sluice/core";
import { type ItemSpan, keyOf, textOf } from "./strata.ts";

/** What was seen of the changes in one group, as plain data. */
export interface Observed {
  readonly difference: DifferenceSummary;
  readonly tally: CheckTally;
}

/** Looks at the changes of one group: counts them, keeps the first as examples, runs the checks. */
export interface Observer {
  /** One of the two is an item; they differ. */
  add(before: ItemSpan | null, after: ItemSpan | null): void;
  /** Whether anybody wants to see more than how many items differ. */
  looks(): boolean;
  /** Counts items that were added. */
  countAdded(items: number): void;
  finish(): Observed;
}

/** Starts with no change. A value is parsed only for whoever looks at it. */
export function createObserver(checks: readonly Check[]): Observer {
  const difference = createDifference({ parentItems: 0 });
  const run = createCheckRun(checks, { parentItems: 0 });
  const looks = (): boolean => checks.length > 0 || difference.wantsExample();
  return {
    looks,
    countAdded: (items) => difference.count("added", items),
    add(before, after) {
      if (!looks()) {
        difference.count(before === null ? "added" : after === null ? "removed" : "changed");
        return;
      }
      const change: ItemChange = {
        key: keyOf((after ?? before) as ItemSpan),
        before: valueOf(before),
        after: valueOf(after),
      };
      difference.add(change);
      if (checks.length > 0) run.add(change);
    },
    finish() {
      const summary = difference.summary();
      const { added, removed, changed } = summary;
      return { difference: summary, tally: { ...run.tally(), added, removed, changed } };
    },
  };
}

function valueOf(item: ItemSpan | null): JsonValue | undefined {
  return item === null ? undefined : (JSON.parse(textOf(item)) as JsonValue);
}
