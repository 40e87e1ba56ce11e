import type { GuardConfig } from "@sluice/core";
import type { Random } from "./random.ts";
import type { Interval } from "./statistics.ts";
import { medianInterval, quantile, shareInterval } from "./statistics.ts";
import type { Counting, Fired, RunResult } from "./watch.ts";

/** What the whole simulation is told. */
export interface Setting {
  readonly config: GuardConfig;
  readonly counting: Counting;
  /** Few runs: a row then holds unless its runs refute the bound. */
  readonly quick: boolean;
}

/** One figure and the bound that it has to keep. */
export interface Row {
  readonly section: string;
  readonly name: string;
  /** What `value`, `low`, `high` and `limit` are. */
  readonly figure: string;
  readonly unit: "share" | "requests" | "ms" | "times";
  /** Infinity where it never came. */
  readonly value: number;
  /** 95 % interval of the value. */
  readonly low: number;
  readonly high: number;
  /** The bound in words; empty where the figure is only reported. */
  readonly bound: string;
  /** Null where the figure is only reported. */
  readonly holds: boolean | null;
  readonly runs: number;
  /** What else is to be read, in the order of the table's columns. */
  readonly columns: Readonly<Record<string, string>>;
  /** Medians or shares by rule, to be drawn side by side; empty for none. Infinity where it never came. */
  readonly points: Readonly<Record<string, number>>;
  readonly pointsUnit: "share" | "requests";
}

/** One setting of the world, played many times. */
export interface Experiment {
  readonly section: string;
  readonly name: string;
  readonly runs: number;
  play(random: Random): RunResult;
  rows(results: readonly RunResult[]): readonly Row[];
}

/** Rows of one kind, with what is to be said of them. */
export interface Section {
  readonly name: string;
  readonly title: string;
  /** How it was played and when a row holds. */
  readonly about: string;
  readonly experiments: readonly Experiment[];
}

/** A share as a percentage with two or three digits. */
export function percentText(share: number): string {
  const percent = share * 100;
  const digits = percent >= 10 ? 0 : percent >= 1 ? 1 : 2;
  return `${Number(percent.toFixed(digits))} %`;
}

/** A number of requests or milliseconds; "never" where it did not come. */
export function countText(count: number): string {
  return Number.isFinite(count) ? Math.round(count).toLocaleString("en") : "never";
}

/** Who of the runs reverted, by the name of the rule. */
export function firedBy(results: readonly RunResult[], judge: string): (Fired | null)[] {
  return results.map((result) => result[judge] ?? null);
}

/** What a row says of a share of runs that reverted. */
interface ShareGiven {
  readonly section: string;
  readonly name: string;
  readonly results: readonly RunResult[];
  readonly quick: boolean;
  /** At most so many may; null only reports. */
  readonly limit: number | null;
  /** `upper`: the 95 % upper limit has to keep the bound; `estimate`: the share itself. */
  readonly proof?: "upper" | "estimate";
  readonly figure?: string;
  /** Default `guard`. */
  readonly judge?: string;
}

const oneSided = 0.05;
// A quick run has few runs: a row fails where chance would hardly ever give so many.
const refuted = 0.002;

/** The share of runs in which a rule reverted, with the exact interval. */
export function shareRow(given: ShareGiven): Row {
  const { section, name, results, quick, limit, proof = "upper", figure = "reverted", judge = "guard" } = given;
  const runs = results.length;
  const fired = firedBy(results, judge).filter((one) => one !== null).length;
  const value = fired / runs;
  const { low, high } = shareInterval(fired, runs);
  const upper = shareInterval(fired, runs, oneSided).high;
  const isKept = (bound: number): boolean => {
    if (quick) return shareInterval(fired, runs, refuted).low <= bound;
    return (proof === "upper" ? upper : value) <= bound;
  };
  const others = Object.keys(results[0] ?? {}).filter((other) => other !== judge);
  const beside = Object.fromEntries(
    others.map((other) => [other, firedBy(results, other).filter((one) => one !== null).length / runs]),
  );
  const [before, after] = quick ? ["", ", not refuted"] : proof === "upper" ? ["upper limit ", ""] : ["", ""];
  return {
    section,
    name,
    figure,
    unit: "share",
    value,
    low,
    high,
    bound: limit === null ? "" : `${before}≤ ${percentText(limit)}${after}`,
    holds: limit === null ? null : isKept(limit),
    runs,
    columns: {
      guard: `${percentText(value)} (${fired} of ${runs})`,
      "95 % interval": `${percentText(low)} – ${percentText(high)}`,
      "upper limit": percentText(upper),
      ...Object.fromEntries(Object.entries(beside).map(([other, share]) => [other, percentText(share)])),
    },
    points: { guard: value, ...beside },
    pointsUnit: "share",
  };
}

/** What a row says of how much a bad candidate costs. */
interface DelayGiven {
  readonly section: string;
  readonly name: string;
  readonly results: readonly RunResult[];
  readonly quick: boolean;
  /** The prototype's median and 95th percentile; null where there is none. */
  readonly prototype: { readonly median: number; readonly p95: number } | null;
  /** How many times the prototype's figures are kept to. */
  readonly factor: number;
}

/** Candidate requests from the fault to the revert: median and 95th percentile, and the failures among them. */
export function delayRow(given: DelayGiven): Row {
  const { section, name, results, quick, prototype, factor } = given;
  const guard = firedBy(results, "guard").filter((one) => one === null || !one.early);
  const requests = costsOf(guard, "requests");
  const [value, p95] = [quantile(requests, 0.5), quantile(requests, 0.95)];
  const failures = costsOf(guard, "failures");
  const interval = guard.length === 0 ? { low: Number.NaN, high: Number.NaN } : medianInterval(requests);
  const others = Object.keys(results[0] ?? {}).filter((other) => other !== "guard");
  const beside = Object.fromEntries(
    others.map((other) => [other, quantile(costsOf(firedBy(results, other), "requests"), 0.5)]),
  );
  const limits = prototype && { median: prototype.median * factor, p95: prototype.p95 * factor };
  return {
    section,
    name,
    figure: "candidate requests until it is gone, median",
    unit: "requests",
    value,
    ...interval,
    bound: limits === null ? "" : `≤ ${pairText(limits)}`,
    holds: limits === null ? null : isWithin({ median: value, p95, low: interval.low }, limits, quick),
    runs: results.length,
    columns: {
      guard: delayText(firedBy(results, "guard")),
      "95 % interval of the median": intervalText(interval),
      "failures, median / p95": `${countText(quantile(failures, 0.5))} / ${countText(quantile(failures, 0.95))}`,
      prototype: prototype === null ? "–" : pairText(prototype),
      ...Object.fromEntries(others.map((other) => [other, delayText(firedBy(results, other))])),
    },
    points: { guard: value, ...beside },
    pointsUnit: "requests",
  };
}

/** Whether costs keep their limits. Few runs have no 95th percentile to speak of: they hold unless the whole interval is past the median's. */
export function isWithin(
  costs: { readonly median: number; readonly p95: number; readonly low: number },
  limits: { readonly median: number; readonly p95: number },
  quick: boolean,
): boolean {
  return quick ? costs.low <= limits.median : costs.median <= limits.median && costs.p95 <= limits.p95;
}

/** Median and 95th percentile; where there is no bound on the latter, the former alone. */
export function pairText({ median, p95 }: { readonly median: number; readonly p95: number }): string {
  return Number.isFinite(p95) ? `${countText(median)} / ${countText(p95)}` : countText(median);
}

/** Median and 95th percentile, or how many runs got there at all. */
export function delayText(fired: readonly (Fired | null)[]): string {
  const kept = fired.filter((one) => one === null || !one.early);
  const early = fired.length - kept.length;
  const requests = costsOf(kept, "requests");
  const [median, p95] = [quantile(requests, 0.5), quantile(requests, 0.95)];
  const found = kept.filter((one) => one !== null).length / Math.max(1, kept.length);
  const before = early === 0 ? "" : `, ${percentText(early / fired.length)} before`;
  if (early > fired.length / 2) return `${percentText(early / fired.length)} before`;
  return `${Number.isFinite(median) ? `${countText(median)} / ${countText(p95)}` : `${percentText(found)} found`}${before}`;
}

/** Costs of the runs; Infinity for those that nothing ended. */
export function costsOf(fired: readonly (Fired | null)[], cost: "requests" | "failures" | "ms"): number[] {
  return fired.map((one) => one?.[cost] ?? Infinity);
}

function intervalText({ low, high }: Interval): string {
  return `${countText(low)} – ${countText(high)}`;
}
