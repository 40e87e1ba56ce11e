import { type Arm, isSluiceError, SluiceError } from "@sluice/core";
import type { Reporter } from "@sluice/replica";

/** What the guard will be told of one view and one release. */
export interface Tally {
  readonly release: string;
  /** The percentage step under which the view was made. */
  readonly epoch: number;
  readonly arm: Arm;
  /** The view's bucket in the release, 0 to 99,999. */
  readonly unit: number;
  /** False: the view only keeps track of what it read and is counted in neither arm. */
  readonly counted: boolean;
  /** Whether the view has read an item in which the two lines differ. */
  touched: boolean;
}

/** The kind of a failure that has no name of its own. */
export const defaultFailureKind = "error";

/** The kind of a read that broke the application's schema. */
const invalidItemKind = "invalid-item";

const kindLengthMax = 64;

/** Counts a view's outcome where the view is counted and has read an item in which the lines differ. A null failure is a success. */
export function countOutcome(reporter: Pick<Reporter, "outcome">, tally: Tally, failure: string | null): void {
  const { release, epoch, arm, unit, counted, touched } = tally;
  if (counted && touched) reporter.outcome({ release, epoch, arm, unit, failure });
}

/** Refuses what cannot cross the wire as a kind of failure: 1 to 64 characters. Throws VALIDATION. */
export function checkKind(kind: string): string {
  if (kind.length > 0 && kind.length <= kindLengthMax) return kind;
  throw new SluiceError(
    "VALIDATION",
    `a kind of failure has 1 to ${kindLengthMax} characters, like "below-cost"; came ${kind.length}`,
    { details: { kind } },
  );
}

/**
 * The kind of failure that something thrown stands for; undefined where it says nothing about the data: the caller gave up, or the
 * view's release was reverted, which happens to one arm only.
 */
export function failureKindOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && thrown.name === "AbortError") return undefined;
  if (isSluiceError(thrown, "VIEW_REVERTED")) return undefined;
  return isSluiceError(thrown, "ITEM_INVALID") ? invalidItemKind : defaultFailureKind;
}
