import { SluiceError } from "../error.ts";
import { unitCount } from "./units.ts";

/** Failures of one kind in one arm. */
export interface FailureCount {
  /** Every failed request. */
  readonly count: number;
  /** Those whose targeting key had no failure within the last 60 s in the reporting process, the time restarting at each. */
  readonly distinct: number;
}

/** What one reporter saw of one arm since its last report. Each request is counted once: as ok or as one failure. */
export interface ArmReport {
  readonly ok: number;
  readonly failures: Readonly<Record<string, FailureCount>>;
  /** The assignment buckets (0 to 99,999) whose view failed, at most 256; empty where the reporter knows none. */
  readonly units: readonly number[];
  /** The same of views that were slow and did not fail, at most 256; left out where none was, or where the reporter knows none. */
  readonly slowUnits?: readonly number[];
}

/** One reporter's counts of one release, of requests that were assigned under one percentage step. */
export interface OutcomeReport {
  /** The number of the percentage step under which the requests were assigned. */
  readonly epoch: number;
  /** A label (region, tenant) in which the candidate's share may differ; at most 64 characters. */
  readonly stratum?: string;
  readonly candidate: ArmReport;
  readonly control: ArmReport;
}

const unitsPerReportMax = 256;
const stratumLengthMax = 64;

/**
 * Raises VALIDATION, with the path of the first bad value in `details.path`, before any of a report is counted.
 * A unit must be in the arm that its number and the step's thousandths give: a mislabelled report would be false
 * evidence, and dropping it whole is not.
 */
export function assertOutcomeReport(report: OutcomeReport, thousandths: number): void {
  if (report.stratum !== undefined && report.stratum.length > stratumLengthMax) {
    refuse("stratum", `at most ${stratumLengthMax} characters`, report.stratum.length);
  }
  assertArm(report.candidate, "candidate", 0, thousandths);
  assertArm(report.control, "control", thousandths, unitCount);
}

function assertArm(arm: ArmReport, path: string, unitMin: number, unitEnd: number): void {
  assertCount(arm.ok, path, "ok");
  for (const [kind, { count, distinct }] of Object.entries(arm.failures)) {
    assertCount(count, path, `failures.${kind}.count`);
    assertCount(distinct, path, `failures.${kind}.distinct`);
    if (distinct > count) refuse(`${path}.failures.${kind}.distinct`, `at most the count of ${count}`, distinct);
  }
  assertUnits(arm.units, `${path}.units`, unitMin, unitEnd);
  if (arm.slowUnits !== undefined) assertUnits(arm.slowUnits, `${path}.slowUnits`, unitMin, unitEnd);
}

function assertUnits(units: readonly number[], path: string, unitMin: number, unitEnd: number): void {
  if (units.length > unitsPerReportMax) refuse(path, `at most ${unitsPerReportMax} units`, units.length);
  for (const unit of units) {
    if (!Number.isInteger(unit) || unit < unitMin || unit >= unitEnd) {
      refuse(path, `whole numbers from ${unitMin} to below ${unitEnd} in this arm at this step`, unit);
    }
  }
}

function assertCount(value: number, arm: string, field: string): void {
  if (!Number.isSafeInteger(value) || value < 0) refuse(`${arm}.${field}`, "a whole number of at least 0", value);
}

function refuse(path: string, expected: string, value: number): never {
  throw new SluiceError("VALIDATION", `an outcome report's ${path} must be ${expected}, not ${value}`, {
    details: { path, value },
  });
}
