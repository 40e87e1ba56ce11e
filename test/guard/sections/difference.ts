import {
  costsOf,
  countText,
  delayText,
  type Experiment,
  firedBy,
  type Row,
  type Section,
  type Setting,
} from "../experiment.ts";
import { type DifferenceTraffic, type Popularity, playDifference } from "../difference-world.ts";
import { medianInterval, quantile } from "../statistics.ts";
import type { RunResult } from "../watch.ts";
import { rateText, splitText } from "./false-reverts.ts";

const common = { items: 1_000_000, brokenItems: 300, itemsPerView: 20, viewsPerSecond: 1_000, endMs: 1_000_000 };

interface Case {
  readonly popularity: Popularity;
  readonly changedItems: number;
  readonly failureRate: number;
  readonly thousandths: number;
  /** How many times as many views all requests have to cost at least. */
  readonly gainMin: number;
}

const cases: readonly Case[] = [
  { popularity: "uniform", changedItems: 300, failureRate: 0.01, thousandths: 5_000, gainMin: 5 },
  { popularity: "uniform", changedItems: 10_000, failureRate: 0.01, thousandths: 5_000, gainMin: 5 },
  { popularity: "uniform", changedItems: 10_000, failureRate: 0.001, thousandths: 5_000, gainMin: 1.3 },
  { popularity: "zipf", changedItems: 300, failureRate: 0.01, thousandths: 5_000, gainMin: 5 },
  { popularity: "zipf", changedItems: 10_000, failureRate: 0.01, thousandths: 5_000, gainMin: 5 },
  { popularity: "zipf", changedItems: 10_000, failureRate: 0.001, thousandths: 5_000, gainMin: 1.3 },
];

/** A fault in 300 of a million items, and what counting only reads that differ buys. */
export function difference(setting: Setting): Section {
  const section = "difference";
  const experiments = cases.map(({ gainMin, ...one }): Experiment => {
    const traffic: DifferenceTraffic = { ...common, ...one };
    const { popularity, changedItems, failureRate, thousandths } = one;
    const changed = changedItems === common.brokenItems ? "nothing else changed" : `${countText(changedItems)} changed`;
    const name = `${changed}, ${popularity} reads, ${rateText(failureRate)} failing at ${splitText(thousandths)}`;
    return {
      section,
      name: `${section}/${name}`,
      runs: setting.quick ? 15 : 150,
      play: (random) => playDifference(traffic, setting, random),
      rows: (results) => [rowOf(section, name, results, gainMin, setting.quick)],
    };
  });
  return {
    name: section,
    title: "A fault in 300 of a million items",
    about:
      "1,000 views a second, 20 reads each, over a million items at random places of the popularity (Zipf with exponent 1) or all alike. The candidate changes some items, 300 of them are broken, and " +
      "a view that reads one fails. The guard is told of the views that read a changed item, in both arms; `all requests` is the same guard told of every view. Costs are views of " +
      "candidate users, counted or not. A row holds when counting all of them costs at least so many times as much.",
    experiments,
  };
}

function rowOf(section: string, name: string, results: readonly RunResult[], gainMin: number, quick: boolean): Row {
  const guard = firedBy(results, "guard");
  const all = firedBy(results, "all requests");
  const [views, allViews] = [costsOf(guard, "requests"), costsOf(all, "requests")];
  const [median, allMedian] = [quantile(views, 0.5), quantile(allViews, 0.5)];
  const value = allMedian / median;
  const [interval, allInterval] = [medianInterval(views), medianInterval(allViews)];
  const limit = quick ? 1 + (gainMin - 1) / 4 : gainMin;
  return {
    section,
    name,
    figure: "views with all requests counted, over those with differing reads counted",
    unit: "times",
    value,
    // Both ends at once: wider than a 95 % interval of the ratio.
    low: allInterval.low / interval.high,
    high: allInterval.high / interval.low,
    bound: `≥ ${limit} times`,
    holds: value >= limit,
    runs: results.length,
    columns: {
      "candidate views, median / p95": delayText(guard),
      "seconds, median": secondsText(costsOf(guard, "ms")),
      "all requests": delayText(all),
      "all requests, seconds": secondsText(costsOf(all, "ms")),
      gain: Number.isFinite(value) ? `${value.toFixed(1)} times` : "found at all",
    },
    points: { guard: median, "all requests": allMedian },
    pointsUnit: "requests",
  };
}

function secondsText(ms: readonly number[]): string {
  const median = quantile(ms, 0.5);
  return Number.isFinite(median) ? (median / 1000).toFixed(1) : "never";
}
