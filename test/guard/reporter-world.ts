import { type Arm, armOf, failureFlushMs, type OutcomeReport, outcomeFlushMs, slowKind } from "@sluice/core";
import type { ReleaseReport } from "@sluice/core/api";
import { createOutcomeTally, hasFailures, type OutcomeTally } from "../../packages/replica/src/outcome-tally.ts";
import { exponential, poisson, type Random } from "./random.ts";
import { createSchedule } from "./schedule.ts";
import type { WorldOptions } from "./tick-world.ts";
import { createWatch, type RunResult, tickMs } from "./watch.ts";

/** A request that failed. */
export interface Failure {
  readonly atMs: number;
  readonly unit: number;
  /** The process that saw it. */
  readonly reporter: number;
}

/** Successes a second, in all processes together, from a moment on. */
export interface Successes {
  readonly fromMs: number;
  readonly candidate: number;
  readonly control: number;
}

/**
 * Traffic as the processes of a shop see it. Requests are Poisson, so that successes and failures are independent and only the
 * failures have to be told one by one.
 */
export interface ReporterTraffic {
  readonly reporters: number;
  readonly thousandths: number;
  readonly endMs: number;
  /** By time. */
  readonly failures: readonly Failure[];
  /** By time, the first from 0. */
  readonly successes: readonly Successes[];
  /** Costs are counted from here. Default 0. */
  readonly faultMs?: number;
  /** What failures are called; `slow` is only compared where the guard's `slowMs` is set. Default `error`. */
  readonly kind?: string;
  /** Processes, from the first, that send no units. Default 0. */
  readonly unitless?: number;
  /** All processes report to one sidecar, which sends on what it has merged. Default false. */
  readonly behindSidecar?: boolean;
  /** Called with each report as it comes in. */
  readonly onReport?: (report: OutcomeReport, nowMs: number) => void;
}

const release = "r1";
const epoch = 1;
const reportsMax = 64;
const nothing = { ok: 0, failures: {}, units: [] };

interface Process {
  readonly tally: OutcomeTally;
  /** The first success of the batch that is being counted. */
  firstMs: number;
}

/**
 * Plays a release whose outcomes are counted by the product's own tally, one for each process, and sent as its reporter does: within 250 ms of
 * the first outcome, and within 20 ms of a failure in either arm. Every process comes to its own phase by that.
 */
export function playReporters(traffic: ReporterTraffic, options: WorldOptions, random: Random): RunResult {
  const { reporters, thousandths, endMs, failures, faultMs, kind = "error", unitless = 0, onReport } = traffic;
  const watch = createWatch({ ...options, start: { epoch, thousandths } });
  const flushes = createSchedule(reporters);
  const processes: Process[] = [];
  const sidecar = createOutcomeTally();
  let sidecarDueMs = Infinity;

  const begin = (index: number, nowMs: number): void => {
    const process = processes[index];
    if (process === undefined) return;
    process.firstMs = nowMs + exponential(random, rateAt(traffic, nowMs) / reporters / 1000);
    flushes.set(index, process.firstMs + outcomeFlushMs);
  };

  const countSuccesses = (process: Process, nowMs: number): void => {
    if (process.firstMs > nowMs) return;
    const drawn = (arm: Arm) => poisson(random, successesBetween(traffic, arm, process.firstMs, nowMs) / reporters);
    const { candidate, control } = segmentAt(traffic, process.firstMs);
    const first: Arm = random() * (candidate + control) < candidate ? "candidate" : "control";
    const ok = { candidate: drawn("candidate"), control: drawn("control") };
    ok[first] += 1;
    const arms = { candidate: { ...nothing, ok: ok.candidate }, control: { ...nothing, ok: ok.control } };
    process.tally.merge({ release, epoch, ...arms, served: { candidate: 0, stable: 0 } });
  };

  const send = (reports: readonly ReleaseReport[], nowMs: number): void => {
    for (const { candidate, control } of reports) {
      const report = { epoch, candidate, control };
      watch.report(report, nowMs);
      onReport?.(report, nowMs);
    }
  };

  const flush = (index: number, nowMs: number): void => {
    const process = processes[index];
    if (process === undefined) return;
    countSuccesses(process, nowMs);
    const taken = process.tally.take(reportsMax).map((report) => (index < unitless ? withoutUnits(report) : report));
    if (traffic.behindSidecar === true) {
      for (const report of taken) sidecar.merge(report);
      const isUrgent = taken.some(({ candidate, control }) => hasFailures(candidate) || hasFailures(control));
      sidecarDueMs = Math.min(sidecarDueMs, nowMs + (isUrgent ? failureFlushMs : outcomeFlushMs));
    } else send(taken, nowMs);
    begin(index, nowMs);
  };

  const fail = ({ atMs, unit, reporter }: Failure): void => {
    processes[reporter]?.tally.add({ release, epoch, arm: armOf(unit, thousandths), unit, failure: kind }, atMs);
    // As the reporter does: sooner where nothing is due sooner, whichever arm it was.
    const delayMs = kind === slowKind ? outcomeFlushMs : failureFlushMs;
    flushes.set(reporter, Math.min(flushes.atMs(reporter), atMs + delayMs));
  };

  for (let index = 0; index < reporters; index += 1) {
    processes.push({ tally: createOutcomeTally(), firstMs: 0 });
    begin(index, 0);
  }
  let next = 0;
  let tickAtMs = tickMs * random();
  let faultAtMs = faultMs ?? Infinity;
  while (!watch.isOver()) {
    const failure = failures[next];
    const failureAtMs = failure?.atMs ?? Infinity;
    const due = flushes.earliest();
    const dueAtMs = flushes.atMs(due);
    const nowMs = Math.min(failureAtMs, dueAtMs, sidecarDueMs, tickAtMs, faultAtMs);
    if (nowMs > endMs) break;
    if (nowMs === faultAtMs) {
      watch.faultBegins(nowMs);
      faultAtMs = Infinity;
    } else if (failure !== undefined && nowMs === failureAtMs) {
      fail(failure);
      next += 1;
    } else if (nowMs === dueAtMs) flush(due, nowMs);
    else if (nowMs === sidecarDueMs) {
      sidecarDueMs = Infinity;
      send(sidecar.take(reportsMax), nowMs);
    } else {
      watch.tick(nowMs);
      tickAtMs += tickMs;
    }
  }
  return watch.result();
}

function withoutUnits({ candidate, control, ...rest }: ReleaseReport): ReleaseReport {
  return { ...rest, candidate: armWithoutUnits(candidate), control: armWithoutUnits(control) };
}

function armWithoutUnits({ ok, failures }: ReleaseReport["candidate"]): ReleaseReport["candidate"] {
  return { ok, failures, units: [] };
}

function segmentAt({ successes }: ReporterTraffic, atMs: number): Successes {
  const found = successes.findLast(({ fromMs }) => fromMs <= atMs);
  if (found === undefined) throw new Error("successes begin at 0");
  return found;
}

function rateAt(traffic: ReporterTraffic, atMs: number): number {
  const { candidate, control } = segmentAt(traffic, atMs);
  return candidate + control;
}

/** How many successes are expected in an arm in a stretch of time. */
function successesBetween({ successes }: ReporterTraffic, arm: Arm, fromMs: number, toMs: number): number {
  let sum = 0;
  for (const [index, segment] of successes.entries()) {
    const beginMs = Math.max(fromMs, segment.fromMs);
    const endMs = Math.min(toMs, successes[index + 1]?.fromMs ?? Infinity);
    if (endMs > beginMs) sum += ((endMs - beginMs) / 1000) * segment[arm];
  }
  return sum;
}
