import { assertOutcomeReport, isActive, isSluiceError, own } from "@sluice/core";
import type { OutcomeBatch, ReleaseReport } from "@sluice/core/api";
import type { Snapshot } from "@sluice/replica";
import type { Logger } from "pino";

/** Steps of one release that are remembered, as many as a guard keeps. */
const stepsMax = 8;

/** Leaves out of batches what the origin would refuse. */
export interface SoundReports {
  /** The state has moved. */
  follow(snapshot: Snapshot): void;
  /**
   * A batch without the reports that are known to be wrong here: bad counts, or units that are in the other arm at their step. Units
   * of a release or step that is not known here go on: the origin may know it.
   */
  of(batch: OutcomeBatch): OutcomeBatch;
}

/**
 * Knows no steps at first. A sidecar sends sums on, and the origin refuses a sum whole: one bad reporter would silence all that
 * report beside it, and with them the guard.
 */
export function createSoundReports({ logger }: { readonly logger: Logger }): SoundReports {
  /** Thousandths by step and release, the oldest step first. */
  const known = new Map<string, Map<number, number>>();

  const isSound = (report: ReleaseReport, reporter: string): boolean => {
    const thousandths = known.get(report.release)?.get(report.epoch);
    try {
      // At a step that is not known here nobody can say whose a unit is.
      assertOutcomeReport(thousandths === undefined ? withoutUnits(report) : report, thousandths ?? 0);
      return true;
    } catch (error) {
      if (!isSluiceError(error, "VALIDATION")) throw error;
      logger.warn({ err: error, reporter, release: report.release }, "a report is wrong and not sent on");
      return false;
    }
  };

  return {
    follow({ state }) {
      for (const release of known.keys()) {
        const its = own(state.releases, release);
        if (its === undefined || !isActive(its)) known.delete(release);
      }
      for (const release of Object.values(state.releases)) {
        if (!isActive(release)) continue;
        const steps = known.get(release.id) ?? new Map<number, number>();
        steps.set(release.epoch, release.thousandths);
        const [oldest] = steps.keys();
        if (steps.size > stepsMax && oldest !== undefined) steps.delete(oldest);
        known.set(release.id, steps);
      }
    },
    of: (batch) => ({ ...batch, reports: batch.reports.filter((report) => isSound(report, batch.reporter)) }),
  };
}

function withoutUnits({ candidate, control, ...report }: ReleaseReport): ReleaseReport {
  return {
    ...report,
    candidate: { ok: candidate.ok, failures: candidate.failures, units: [] },
    control: { ok: control.ok, failures: control.failures, units: [] },
  };
}
