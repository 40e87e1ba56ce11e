import {
  acceptSequence,
  type Clock,
  createSequenceLog,
  failureFlushMs,
  outcomeFlushMs,
  paths,
  slowKind,
  type Timer,
} from "@sluice/core";
import type { Confirmation, ConfirmationBatch, Mark, OutcomeBatch } from "@sluice/core/api";
import { type ConfirmationOf, createConfirmationSource } from "./confirmation-source.ts";
import { createMailer, type MailSource, type Post } from "./mailer.ts";
import { createOutcomeTally, hasFailures, type Outcome } from "./outcome-tally.ts";

/** Gathers outcomes and confirmations and sends them up; bounded, merged, each counted once. */
export interface Reporter {
  /** Counts one outcome. A failure in either arm (slow requests are none) sends within `failureFlushMs`, anything within `outcomeFlushMs`. */
  outcome(outcome: Outcome): void;
  /** Counts a view made with a targeting key by the arm that it was really served. */
  served(release: string, epoch: number, arm: "candidate" | "stable"): void;
  /** Takes a follower's batch, to be sent on merged under this reporter's own id. False where its sequence was seen already. */
  merge(batch: OutcomeBatch): boolean;
  /** Sends a confirmation up, soon; several of one follower are merged. */
  confirm(confirmation: Confirmation): void;
  /**
   * Says who follows through this one, and of whoever is new on the list what `confirmationOf` gives of it; of all of them again at
   * every new connection, at most half a mebibyte of it at a time.
   */
  children(children: NonNullable<ConfirmationBatch["children"]>, confirmationOf: ConfirmationOf): void;
  /** Followers of this one have said goodbye, or this one does: a promise that the ids never come again. */
  left(followers: readonly string[]): void;
  /** Presents marks that say who took a release back and why. */
  marks(marks: readonly Mark[]): void;
  /** Sends what is waiting now. */
  flush(): Promise<void>;
}

/** What became of outcomes that were not counted. */
export interface ReporterCounts {
  /** Batches that no instance answered before another one was followed. */
  readonly lostBatches: number;
  /** Batches that an instance refused. */
  readonly refusedBatches: number;
  /** Counts of releases given up because there were too many at a time. */
  readonly droppedReports: number;
}

/** A reporter and what only its owner may do with it. */
export interface OwnReporter extends Reporter {
  /**
   * The instance to report to. Outcomes that another one has not answered are dropped: it may have counted them. Where what is held is
   * of another log than the instance's, nothing is confirmed before `caughtUp`.
   */
  connected(url: string, instance: string, isOtherLog: boolean): void;
  /** What is held is of the instance's log. */
  caughtUp(): void;
  counts(): ReporterCounts;
  /** Sends nothing more. */
  close(): void;
}

/** Counts of releases in one batch, so that it stays under the limit of a body. */
const reportsPerBatch = 64;

/** Reports under `id`, which is new with each start of the process. Sends nothing before it is connected. */
export function createReporter(dependencies: {
  readonly id: string;
  /** A label (region, tenant) for outcomes of this process; none where the candidate's share is the same everywhere. */
  readonly stratum?: string;
  readonly post: Post;
  readonly clock: Clock;
  readonly random: () => number;
}): OwnReporter {
  const { id, stratum, post, clock, random } = dependencies;
  const tally = createOutcomeTally(stratum === undefined ? {} : { stratum });
  const seen = createSequenceLog();
  const counts = { lostBatches: 0, refusedBatches: 0 };
  let sequence = 0;
  let due = false;
  let closed = false;
  let timer: { readonly at: number; readonly timer: Timer } | null = null;

  const source: MailSource = {
    next() {
      if (!due || tally.isEmpty()) return null;
      const reports = tally.take(reportsPerBatch);
      due = !tally.isEmpty();
      sequence++;
      const batch: OutcomeBatch = { reporter: id, sequence, reports };
      return JSON.stringify(batch);
    },
    answered(status) {
      if (status >= 300) counts.refusedBatches++;
    },
    lost() {
      counts.lostBatches++;
    },
  };
  const outcomes = createMailer({ path: paths.outcomes, source, post, clock, random });
  const confirmations = createConfirmationSource({ clock, random, wake: () => mail.wake() });
  const mail = createMailer({ path: paths.confirmations, source: confirmations, post, clock, random });

  const sendNow = (): void => {
    timer?.timer.cancel();
    timer = null;
    due = !tally.isEmpty();
    outcomes.wake();
  };

  /** Sends at the latest after `delayMs`. How soon never depends on the arm. */
  const sendWithin = (delayMs: number): void => {
    const at = clock.now() + delayMs;
    if (closed || due || (timer !== null && timer.at <= at)) return;
    timer?.timer.cancel();
    timer = { at, timer: clock.setTimer(delayMs, sendNow) };
  };

  return {
    outcome(outcome) {
      tally.add(outcome, clock.now());
      const isUrgent = outcome.failure !== null && outcome.failure !== slowKind;
      sendWithin(isUrgent ? failureFlushMs : outcomeFlushMs);
    },
    served(release, epoch, arm) {
      tally.served(release, epoch, arm);
      sendWithin(outcomeFlushMs);
    },
    merge(batch) {
      if (!acceptSequence(seen, batch.reporter, batch.sequence)) return false;
      for (const report of batch.reports) tally.merge(report);
      const failed = batch.reports.some(({ candidate, control }) => hasFailures(candidate) || hasFailures(control));
      if (batch.reports.length > 0) sendWithin(failed ? failureFlushMs : outcomeFlushMs);
      return true;
    },
    confirm: (confirmation) => confirmations.confirm(confirmation),
    children: (children, confirmationOf) => confirmations.children(children, confirmationOf),
    left: (followers) => confirmations.left(followers),
    marks: (marks) => confirmations.marks(marks),
    async flush() {
      sendNow();
      confirmations.sendNow();
      await Promise.all([outcomes.flush(), mail.flush()]);
    },
    connected(url, instance, isOtherLog) {
      outcomes.to(url, instance);
      confirmations.connected(isOtherLog);
      mail.to(url, instance);
    },
    caughtUp: () => confirmations.caughtUp(),
    counts: () => ({ ...counts, droppedReports: tally.dropped() }),
    close() {
      closed = true;
      timer?.timer.cancel();
      confirmations.close();
      outcomes.close();
      mail.close();
    },
  };
}
