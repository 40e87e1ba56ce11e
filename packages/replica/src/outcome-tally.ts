import { type Arm, type ArmReport, type FailureCount, limits, otherKind, own, slowKind } from "@sluice/core";
import type { ReleaseReport } from "@sluice/core/api";

/** One countable outcome of a view that read an item in which the two lines differ. */
export interface Outcome {
  readonly release: string;
  /** The percentage step under which the view was assigned. */
  readonly epoch: number;
  readonly arm: Arm;
  /** The view's bucket in the release, 0 to 99,999. */
  readonly unit: number;
  /** Null is a success; `slow` is one that took too long, and is no failure of its unit. */
  readonly failure: string | null;
}

/** A unit that failed counts as distinct again after so long without a failure, in milliseconds. */
export const distinctWindowMs = 60_000;

/** How many units that failed lately are remembered. */
export const distinctUnitsMax = 4_096;

/** Kinds of failure told apart in one arm, beside `slow`; the rest is `other`. */
export const kindsMax = 64;

/** Units of one arm in one report; guards take no more. What does not fit begins another report. */
export const unitsMax = 256;

/** Reports that wait at a time. Past this the oldest is dropped whole, which biases nothing. */
export const reportsMax = 256;

const kindLengthMax = 64;

interface ArmTally {
  ok: number;
  readonly failures: Map<string, { count: number; distinct: number }>;
  readonly units: Set<number>;
  readonly slowUnits: Set<number>;
}

interface ReleaseTally {
  readonly release: string;
  readonly epoch: number;
  readonly stratum?: string;
  readonly candidate: ArmTally;
  readonly control: ArmTally;
  readonly served: { candidate: number; stable: number };
}

/** What an arm's report has to have room for. */
type Load = Pick<ArmReport, "units" | "slowUnits"> & Partial<Pick<ArmReport, "ok" | "failures">>;

/** What a report has to have room for. */
type Loads = Readonly<Partial<Record<Arm, Load> & Pick<ReleaseReport, "served">>>;

const noLoad: Load = { units: [] };

/** Counts of outcomes by release, percentage step, stratum and arm. */
export interface OutcomeTally {
  /** Counts one outcome at `nowMs` on the monotonic clock. */
  add(outcome: Outcome, nowMs: number): void;
  served(release: string, epoch: number, arm: "candidate" | "stable"): void;
  /** Adds what another reporter counted: units are united, the rest is summed; failures with units and without stay apart. */
  merge(report: ReleaseReport): void;
  isEmpty(): boolean;
  /** Takes the oldest `max` reports out. */
  take(max: number): readonly ReleaseReport[];
  /** How many reports were dropped because there were too many. */
  dropped(): number;
}

/** Counts nothing at first. `stratum` is that of the outcomes of this process; what is merged keeps its own. */
export function createOutcomeTally(options: { readonly stratum?: string } = {}): OutcomeTally {
  /** Reports that took no more units, before those that are still counted into. */
  const full: ReleaseTally[] = [];
  const open = new Map<string, ReleaseTally>();
  const isDistinct = createDistinct();
  /** Apart from failures: who is often slow would hide that it fails, and many who are slow would make others forgotten. */
  const isDistinctSlow = createDistinct();
  let dropped = 0;

  const dropOldest = (): void => {
    const [oldest] = open.keys();
    if (full.shift() === undefined && oldest !== undefined) open.delete(oldest);
    dropped++;
  };

  /**
   * The report to count into, one with room for all of this. To leave units out instead would leave out more of the larger
   * arm: an outage of both would then be evidence against the smaller one, the candidate. A sum past the limit of a count would be
   * refused with all that it is of, and whoever tells such counts be heard for all.
   */
  const tallyOf = (
    of: Pick<ReleaseTally, "release" | "epoch" | "stratum">,
    load: Loads = {},
    lacking = "",
  ): ReleaseTally => {
    const { release, epoch, stratum } = of;
    // Two strata are never one report: the guard must not add them up.
    const key = `${epoch}:${release.length}:${lacking}:${release}${stratum ?? ""}`;
    const known = open.get(key);
    if (known !== undefined) {
      if (hasRoomFor(known, load)) return known;
      open.delete(key);
      full.push(known);
    }
    if (full.length + open.size >= reportsMax) dropOldest();
    const tally = {
      release,
      epoch,
      ...(stratum === undefined ? {} : { stratum }),
      candidate: emptyArm(),
      control: emptyArm(),
      served: { candidate: 0, stable: 0 },
    };
    open.set(key, tally);
    return tally;
  };

  return {
    add({ release, epoch, arm, unit, failure }, nowMs) {
      if (failure === null) {
        tallyOf({ ...options, release, epoch })[arm].ok++;
        return;
      }
      if (failure === slowKind) {
        // Apart from units that failed: the unit stream counts each once in a release, and slow requests would use them all up.
        const tally = tallyOf({ ...options, release, epoch }, { [arm]: { units: [], slowUnits: [unit] } })[arm];
        count(tally, slowKind, 1, isDistinctSlow(`${release}:${unit}`, nowMs) ? 1 : 0);
        tally.slowUnits.add(unit);
        return;
      }
      const tally = tallyOf({ ...options, release, epoch }, { [arm]: { units: [unit] } })[arm];
      count(tally, failure, 1, isDistinct(`${release}:${unit}`, nowMs) ? 1 : 0);
      tally.units.add(unit);
    },
    served(release, epoch, arm) {
      tallyOf({ ...options, release, epoch }).served[arm]++;
    },
    merge(report) {
      const lacking = `${lackingOf(report.candidate)}/${lackingOf(report.control)}`;
      const tally = tallyOf(report, report, lacking === "/" ? "" : lacking);
      mergeArm(tally.candidate, report.candidate);
      mergeArm(tally.control, report.control);
      tally.served.candidate += report.served.candidate;
      tally.served.stable += report.served.stable;
    },
    isEmpty: () => full.length + open.size === 0,
    take(max) {
      const taken = full.splice(0, max);
      for (const [key, tally] of open) {
        if (taken.length >= max) break;
        open.delete(key);
        taken.push(tally);
      }
      return taken.map(({ candidate, control, ...rest }) => ({
        ...rest,
        candidate: reportOf(candidate),
        control: reportOf(control),
      }));
    },
    dropped: () => dropped,
  };
}

/** Whether an arm report has a failure that is to be told soon. Slow requests are many, and no unit waits for them to be compared. */
export function hasFailures(arm: ArmReport): boolean {
  return Object.keys(arm.failures).some((kind) => kind !== slowKind);
}

function emptyArm(): ArmTally {
  return { ok: 0, failures: new Map(), units: new Set(), slowUnits: new Set() };
}

/**
 * What an arm's failures come without. Such an arm is never merged with one that names units: the guard counts no more distinct
 * failures than it is told fresh units, so the smaller arm, which more often has none, would be counted whole and the larger one not.
 */
function lackingOf(arm: ArmReport): string {
  const failed = hasFailures(arm) && arm.units.length === 0 ? "units" : "";
  const isSlow = own(arm.failures, slowKind) !== undefined && (arm.slowUnits ?? []).length === 0;
  return isSlow ? `${failed}slow` : failed;
}

function hasRoomFor({ candidate, control, served }: ReleaseTally, load: Loads): boolean {
  const { candidate: shown = 0, stable = 0 } = load.served ?? {};
  const isServed = served.candidate + shown <= limits.countMax && served.stable + stable <= limits.countMax;
  return isServed && hasRoomInArm(candidate, load.candidate) && hasRoomInArm(control, load.control);
}

/** Whether units that an arm does not have yet fit in its report, and counts: all of them together, as kinds may become one. */
function hasRoomInArm(arm: ArmTally, { units, slowUnits = [], ok = 0, failures }: Load = noLoad): boolean {
  const counts = failures === undefined ? 0 : totalOf(Object.values(failures)) + totalOf(arm.failures.values());
  return hasRoom(arm.units, units) && hasRoom(arm.slowUnits, slowUnits) && arm.ok + ok + counts <= limits.countMax;
}

function totalOf(failures: Iterable<FailureCount>): number {
  let total = 0;
  for (const { count: its, distinct } of failures) total += Math.max(its, distinct);
  return total;
}

function hasRoom(units: ReadonlySet<number>, more: readonly number[]): boolean {
  if (units.size + more.length <= unitsMax) return true;
  return units.size + more.filter((unit) => !units.has(unit)).length <= unitsMax;
}

function count(arm: ArmTally, failure: string, times: number, distinct: number): void {
  const named = failure.slice(0, kindLengthMax) || otherKind;
  const isNew = !arm.failures.has(named);
  // One place is kept for all the others. Slow requests, which are never among them, have one besides.
  const told = arm.failures.size - (arm.failures.has(slowKind) ? 1 : 0);
  const kind = isNew && named !== slowKind && told >= kindsMax - 1 ? otherKind : named;
  const counted = arm.failures.get(kind) ?? { count: 0, distinct: 0 };
  // Kinds of one report that become one may be more than a count can say.
  arm.failures.set(kind, {
    count: Math.min(counted.count + times, limits.countMax),
    distinct: Math.min(counted.distinct + distinct, limits.countMax),
  });
}

function mergeArm(arm: ArmTally, report: ArmReport): void {
  arm.ok += report.ok;
  for (const kind of Object.keys(report.failures)) {
    const counted = own(report.failures, kind);
    if (counted !== undefined) count(arm, kind, counted.count, counted.distinct);
  }
  for (const unit of report.units) arm.units.add(unit);
  for (const unit of report.slowUnits ?? []) arm.slowUnits.add(unit);
}

function reportOf({ ok, failures, units, slowUnits }: ArmTally): ArmReport {
  return {
    ok,
    failures: Object.fromEntries(failures),
    units: [...units],
    ...(slowUnits.size === 0 ? {} : { slowUnits: [...slowUnits] }),
  };
}

/** Says of each failure whether its key has had none for `distinctWindowMs`; every failure starts the window anew. */
function createDistinct(): (key: string, nowMs: number) => boolean {
  // In the order of the last failure, the oldest first.
  const lastMs = new Map<string, number>();
  return (key, nowMs) => {
    const last = lastMs.get(key);
    lastMs.delete(key);
    lastMs.set(key, nowMs);
    if (lastMs.size > distinctUnitsMax) {
      const [oldest] = lastMs.keys();
      if (oldest !== undefined) lastMs.delete(oldest);
    }
    return last === undefined || nowMs - last >= distinctWindowMs;
  };
}
