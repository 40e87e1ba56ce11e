import { poisson, type Random } from "./random.ts";
import type { WorldOptions } from "./tick-world.ts";
import { createWatch, type RunResult, tickMs, unitCount } from "./watch.ts";

/** How the shoppers' reads are spread over the items: every item alike, or the first of them far more often. */
export type Popularity = "uniform" | "zipf";

/** A release that changes some items and breaks a few of those. */
export interface DifferenceTraffic {
  readonly items: number;
  readonly changedItems: number;
  readonly brokenItems: number;
  readonly popularity: Popularity;
  readonly itemsPerView: number;
  readonly viewsPerSecond: number;
  /** Of the views that meet no fault, in both arms. */
  readonly failureRate: number;
  readonly thousandths: number;
  readonly endMs: number;
}

/** Shares of all views, by what they read in the candidate. */
export interface ViewShares {
  /** A changed item, but no broken one. */
  readonly changed: number;
  readonly broken: number;
}

/**
 * Draws which items change and gives the shares of the views. Reads of a view are independent, so these shares are all that the counts
 * of views depend on.
 */
export function drawViewShares(traffic: DifferenceTraffic, random: Random): ViewShares {
  const { items, changedItems, brokenItems, itemsPerView } = traffic;
  const chosen = new Set<number>();
  let [changedWeight, brokenWeight] = [0, 0];
  while (chosen.size < changedItems) {
    const rank = Math.floor(random() * items);
    if (chosen.has(rank)) continue;
    chosen.add(rank);
    const weight = weightOf(traffic, rank);
    changedWeight += weight;
    if (chosen.size <= brokenItems) brokenWeight += weight;
  }
  const missed = (weight: number): number => (1 - weight) ** itemsPerView;
  const broken = 1 - missed(brokenWeight);
  return { broken, changed: 1 - missed(changedWeight) - broken };
}

/** The share of reads that the item of a rank, from 0, has: Zipf's law with exponent 1, or the same for all. */
export function weightOf({ items, popularity }: DifferenceTraffic, rank: number): number {
  if (popularity === "uniform") return 1 / items;
  // The harmonic number, by Euler and Maclaurin.
  const harmonic = Math.log(items) + 0.5772156649015329 + 1 / (2 * items);
  return 1 / ((rank + 1) * harmonic);
}

/**
 * Plays a release in which a view fails when it reads a broken item, and gives what it costs in views of candidate users, whether they were
 * counted or not: once with the guard told of every view, once of those alone that read a changed item.
 */
export function playDifference(traffic: DifferenceTraffic, options: WorldOptions, random: Random): RunResult {
  const { viewsPerSecond, failureRate, thousandths, endMs } = traffic;
  const shares = drawViewShares(traffic, random);
  const watchOf = () => createWatch({ ...options, start: { epoch: 1, thousandths }, rivals: false });
  const watches = { differing: watchOf(), touched: watchOf() };
  const result: Record<string, RunResult[string]> = { guard: null, "all requests": null };
  const perTick = (viewsPerSecond * tickMs) / 1000;
  const share = thousandths / unitCount;
  const expected = { candidate: perTick * share, control: perTick * (1 - share) };
  const unitsOf = (count: number, min: number, end: number): number[] =>
    Array.from({ length: count }, () => min + Math.floor(random() * (end - min)));
  const none = 1 - shares.changed - shares.broken;

  const draw = (arm: "candidate" | "control") => {
    const views = expected[arm];
    const broken = arm === "candidate" ? 1 : failureRate;
    const brokenViews = poisson(random, views * shares.broken * broken);
    const changedFailures = poisson(random, views * shares.changed * failureRate);
    const differingOk = poisson(random, views * (shares.changed * (1 - failureRate) + shares.broken * (1 - broken)));
    const otherFailures = poisson(random, views * none * failureRate);
    const otherOk = poisson(random, views * none * (1 - failureRate));
    const [min, end] = arm === "candidate" ? [0, thousandths] : [thousandths, unitCount];
    const differingUnits = unitsOf(brokenViews + changedFailures, min, end);
    const otherUnits = unitsOf(otherFailures, min, end);
    return {
      views: brokenViews + changedFailures + differingOk + otherFailures + otherOk,
      differing: armReport(differingOk, differingUnits),
      touched: armReport(differingOk + otherOk, [...differingUnits, ...otherUnits]),
    };
  };

  let views = 0;
  for (let nowMs = tickMs; nowMs <= endMs; nowMs += tickMs) {
    const [candidate, control] = [draw("candidate"), draw("control")];
    views += candidate.views;
    for (const counting of ["differing", "touched"] as const) {
      const watch = watches[counting];
      if (watch.isOver()) continue;
      watch.report({ epoch: 1, candidate: candidate[counting], control: control[counting] }, nowMs);
      watch.tick(nowMs);
      const fired = watch.result()["guard"];
      if (fired !== null && fired !== undefined) {
        result[counting === "differing" ? "guard" : "all requests"] = { ...fired, requests: views, ms: nowMs };
      }
    }
    if (watches.differing.isOver() && watches.touched.isOver()) break;
  }
  return result;
}

function armReport(ok: number, units: readonly number[]) {
  const failures = units.length === 0 ? {} : { error: { count: units.length, distinct: units.length } };
  return { ok, failures, units };
}
