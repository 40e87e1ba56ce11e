import {
  advanceGuard,
  createGuard,
  type GuardConfig,
  type GuardState,
  type GuardStep,
  ingest,
  type OutcomeReport,
  stepGuard,
} from "@sluice/core";
import { createRivals, type Rival } from "./rivals.ts";

/** Length of a tick: the guard closes its blocks, and everybody looks, this often. */
export const tickMs = 250;

/** How many assignment buckets there are. */
export const unitCount = 100_000;

/** When a rule reverted: what the candidate had cost by then, since the fault began or since the start. */
export interface Fired {
  readonly requests: number;
  readonly failures: number;
  readonly ms: number;
  /** Before the fault began: a false revert. */
  readonly early: boolean;
}

/** By rule; null where it did not revert to the end of the run. */
export type RunResult = Readonly<Record<string, Fired | null>>;

/** How failures are counted: as the guard takes them, or every single one, as most people do. */
export type Counting = "distinct" | "raw";

/** The guard and its rivals, watching one release. */
export interface Watch {
  /** Counts a report; the guard may revert on it. */
  report(report: OutcomeReport, nowMs: number): void;
  step(step: GuardStep): void;
  /** To be called at every tick, after its reports. */
  tick(nowMs: number): void;
  /** From now on the candidate is bad: costs are counted from here. */
  faultBegins(nowMs: number): void;
  /** Whether nobody is left that could still revert. */
  isOver(): boolean;
  result(): RunResult;
}

/** How a guard is set up and what it is told. */
export interface GuardSetting {
  readonly config: GuardConfig;
  readonly counting: Counting;
}

export interface WatchOptions extends GuardSetting {
  readonly start: GuardStep;
  /** Other guards over the same reports, to be shown beside, by name. */
  readonly beside?: Readonly<Record<string, GuardSetting>>;
  /** Default true. */
  readonly rivals?: boolean;
}

/** Starts watching. */
export function createWatch(options: WatchOptions): Watch {
  const { config, start, counting, beside = {}, rivals = true } = options;
  const guards = new Map<string, { state: GuardState; counting: Counting }>();
  for (const [name, given] of Object.entries({ guard: { config, counting }, ...beside })) {
    guards.set(name, { state: createGuard(given.config, start), counting: given.counting });
  }
  const others = new Map<string, Rival>(rivals ? Object.entries(createRivals()) : []);
  const result: Record<string, Fired | null> = {};
  for (const name of [...guards.keys(), ...others.keys()]) result[name] = null;

  const sum = { requests: 0, failures: 0 };
  let pending = { candidateRequests: 0, candidateFailures: 0, controlRequests: 0, controlFailures: 0 };
  let since = { requests: 0, failures: 0, ms: 0 };

  const fire = (name: string, nowMs: number): void => {
    const [requests, failures, ms] = [sum.requests - since.requests, sum.failures - since.failures, nowMs - since.ms];
    result[name] = { requests, failures, ms, early: false };
    guards.delete(name);
    others.delete(name);
  };

  return {
    report(report, nowMs) {
      const candidateFailures = failuresOf(report.candidate);
      const controlFailures = failuresOf(report.control);
      sum.requests += report.candidate.ok + candidateFailures;
      sum.failures += candidateFailures;
      pending.candidateRequests += report.candidate.ok + candidateFailures;
      pending.candidateFailures += candidateFailures;
      pending.controlRequests += report.control.ok + controlFailures;
      pending.controlFailures += controlFailures;
      for (const [name, { state, counting }] of guards) {
        ingest(state, counting === "raw" ? rawReport(report) : report);
        if (state.reverted !== undefined) fire(name, nowMs);
      }
    },
    step(step) {
      for (const { state } of guards.values()) stepGuard(state, step);
    },
    tick(nowMs) {
      for (const [name, { state }] of guards) {
        advanceGuard(state, nowMs);
        if (state.reverted !== undefined) fire(name, nowMs);
      }
      for (const [name, rival] of others) if (rival.see(pending)) fire(name, nowMs);
      pending = { candidateRequests: 0, candidateFailures: 0, controlRequests: 0, controlFailures: 0 };
    },
    faultBegins(nowMs) {
      for (const [name, fired] of Object.entries(result)) {
        if (fired !== null) result[name] = { ...fired, early: true };
      }
      since = { ...sum, ms: nowMs };
    },
    isOver: () => guards.size + others.size === 0,
    result: () => result,
  };
}

function failuresOf({ failures }: OutcomeReport["candidate"]): number {
  let sum = 0;
  for (const kind in failures) sum += failures[kind]?.count ?? 0;
  return sum;
}

/** The report of somebody who knows of no users: every failure counts. */
function rawReport({ candidate, control, ...rest }: OutcomeReport): OutcomeReport {
  return { ...rest, candidate: rawArm(candidate), control: rawArm(control) };
}

function rawArm({ ok, failures }: OutcomeReport["candidate"]): OutcomeReport["candidate"] {
  const counts = Object.entries(failures).map(([kind, { count }]) => [kind, { count, distinct: count }] as const);
  return { ok, failures: Object.fromEntries(counts), units: [] };
}
