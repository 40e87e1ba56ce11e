import { type Arm, isSluiceError, type ReleaseState, slowKind, SluiceError } from "@sluice/core";
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
  /** The release's plan, which says what is slow and which views count. */
  readonly plan: ReleaseState["plan"];
  /** Whether the view has read anything of the dataset. */
  read: boolean;
  /** Whether the view has read an item in which the two lines differ. */
  touched: boolean;
}

/** The kind of a failure that has no name of its own. */
export const defaultFailureKind = "error";

/** The kind of a read that broke the application's schema. */
const invalidItemKind = "invalid-item";

const kindLengthMax = 64;

/**
 * Counts a view's outcome where the view is counted and has read an item in which the lines differ (or anything, by the plan). A null
 * failure is a success; one that took longer than the plan's `slowMs` is of the kind `slow`.
 */
export function countOutcome(
  reporter: Pick<Reporter, "outcome">,
  tally: Tally,
  failure: string | null,
  durationMs: number,
): void {
  if (!isCounted(tally)) return;
  const { release, epoch, arm, unit, plan } = tally;
  const { slowMs } = plan.guard;
  const isSlow = failure === null && slowMs !== null && durationMs > slowMs;
  reporter.outcome({ release, epoch, arm, unit, failure: isSlow ? slowKind : failure });
}

/** Whether what comes of a view is to be told to the guard, by what it has read so far. */
export function isCounted({ counted, read, touched, plan }: Tally): boolean {
  return counted && (touched || (read && plan.guard.counting === "touched"));
}

/**
 * Counts a view that the caller gave up: as `slow` where it had taken longer than the plan's `slowMs` by then, else not at all. Slow
 * requests are given up more often: to leave them all out would hide just those, and more of them in the slower arm.
 */
export function countGivenUp(reporter: Pick<Reporter, "outcome">, tally: Tally, durationMs: number): void {
  const { slowMs } = tally.plan.guard;
  if (slowMs !== null && durationMs > slowMs) countOutcome(reporter, tally, null, durationMs);
}

/** Refuses what cannot be a kind of failure: 1 to 64 characters, and not `slow`, which is measured. Throws VALIDATION. */
export function checkKind(kind: string): string {
  if (kind === slowKind) {
    throw new SluiceError(
      "VALIDATION",
      `"${slowKind}" is what requests count as that took longer than the plan's slowMs; give another name`,
      { details: { kind } },
    );
  }
  if (kind.length > 0 && kind.length <= kindLengthMax) return kind;
  throw new SluiceError(
    "VALIDATION",
    `a kind of failure has 1 to ${kindLengthMax} characters, like "below-cost"; came ${kind.length}`,
    { details: { kind } },
  );
}

/** Whether what was thrown says that the caller gave up. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "AbortError";
}

/**
 * The kind of failure that something thrown stands for, which is no abort; undefined where it says nothing about the data: the view's
 * release was reverted, which happens to one arm only.
 */
export function failureKindOf(thrown: unknown): string | undefined {
  if (isSluiceError(thrown, "VIEW_REVERTED")) return undefined;
  return isSluiceError(thrown, "ITEM_INVALID") ? invalidItemKind : defaultFailureKind;
}
