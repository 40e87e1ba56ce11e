import type { Arm } from "@sluice/core";
import type { Confirmation, ConfirmationBatch, OutcomeBatch } from "@sluice/core/api";

/** One countable outcome of a view that read an item in which the two lines differ. */
export interface Outcome {
  readonly release: string;
  /** The percentage step under which the view was assigned. */
  readonly epoch: number;
  readonly arm: Arm;
  /** The view's bucket in the release, 0 to 99,999. */
  readonly unit: number;
  /** Null is a success. */
  readonly failure: string | null;
}

/** Gathers outcomes and confirmations and sends them up; bounded, merged, each counted once. */
export interface Reporter {
  /** Counts one outcome. A failure in either arm sends within `failureFlushMs`, anything within `outcomeFlushMs`. */
  outcome(outcome: Outcome): void;
  /** Counts a view made with a targeting key by the arm that it was really served. */
  served(release: string, epoch: number, arm: "candidate" | "stable"): void;
  /** Takes a follower's batch, to be sent on merged under this reporter's own id. False where its sequence was seen already. */
  merge(batch: OutcomeBatch): boolean;
  /** Sends a confirmation up, soon; several of one follower are merged. */
  confirm(confirmation: Confirmation): void;
  /** Says who follows through this one. */
  children(children: NonNullable<ConfirmationBatch["children"]>): void;
  /** Sends what is waiting now. */
  flush(): Promise<void>;
}
