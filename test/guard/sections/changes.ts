import { delayRow, type Experiment, type Section, type Setting, shareRow } from "../experiment.ts";
import { playTicks, type Rates } from "../tick-world.ts";
import { requestsPerTick, ticks } from "./false-reverts.ts";

const half = ticks / 2;
const minuteTicks = 240;
const both = (rate: number): Rates => ({ candidate: rate, control: rate });

interface Good {
  readonly name: string;
  readonly thousandthsAt: (tick: number) => number;
  readonly ratesAt: (tick: number) => Rates;
}

const atHalf = (tick: number): number => (tick < half ? 1_000 : 25_000);

const goods: readonly Good[] = [
  { name: "1 % to 25 % at half time, 0.5 % failing", thousandthsAt: atHalf, ratesAt: () => both(0.005) },
  {
    name: "1 % to 25 % as failures go from 0.1 % to 1 % (Simpson)",
    thousandthsAt: atHalf,
    ratesAt: (tick) => both(tick < half ? 0.001 : 0.01),
  },
  {
    name: "1, 5, 25 % while failures swing between 0.1 and 2 %",
    thousandthsAt: (tick) => [1_000, 5_000, 25_000][Math.floor((3 * tick) / ticks)] ?? 25_000,
    ratesAt: (tick) => both(0.0105 - 0.0095 * Math.cos((2 * Math.PI * tick) / (4 * minuteTicks))),
  },
];

// Table G has these at a tolerated ratio of 1; table B says what 1.25 costs more at this base and split.
const atStep: readonly (readonly [worse: number | "all", median: number, p95: number])[] = [
  [2, 24_068 * 2.2, 54_065 * 2.2],
  [5, 2_986 * 1.36, 6_535 * 1.41],
  [20, 474 * 1.15, 861 * 1.15],
  ["all", 63, 77],
];
const stepFactor = 1.5;

/** A percentage that changes while the world does, and a fault that comes with the step. */
export function changingPercentage(setting: Setting): Section {
  const { quick } = setting;
  const section = "changing-percentage";
  const good = ({ name, thousandthsAt, ratesAt }: Good): Experiment => ({
    section,
    name: `${section}/${name}`,
    runs: quick ? 12 : 300,
    play: (random) => playTicks({ ticks, requestsPerTick, thousandthsAt, ratesAt }, setting, random),
    rows: (results) => [shareRow({ section, name, results, quick, limit: 0.01, proof: "estimate" })],
  });
  const bad = ([worse, median, p95]: (typeof atStep)[number]): Experiment => {
    const name = `a fault that comes with the step to 25 %: 0.1 % to ${worse === "all" ? "100 %" : `${worse}x`}`;
    const faulty = { candidate: worse === "all" ? 1 : 0.001 * worse, control: 0.001 };
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 9 : 150,
      play: (random) =>
        playTicks(
          {
            ticks: half + ticks,
            requestsPerTick,
            thousandthsAt: atHalf,
            ratesAt: (tick) => (tick < half ? both(0.001) : faulty),
            faultTick: half,
          },
          setting,
          random,
        ),
      rows: (results) => [delayRow({ section, name, results, quick, prototype: { median, p95 }, factor: stepFactor })],
    };
  };
  return {
    name: section,
    title: "A percentage that changes",
    about:
      "The step comes after 500,000 requests. Good candidates: both arms alike, a million requests; a row holds when at most 1 % are reverted. Faults: candidate requests from the " +
      `step to the revert, within ${stepFactor} times the prototype's (its figures at a tolerated ratio of 1, times what 1.25 costs more by its own table).`,
    experiments: [...goods.map(good), ...atStep.map(bad)],
  };
}

interface Late {
  readonly rate: number;
  readonly thousandths: number;
  readonly worse: number | "all";
  readonly name: string;
  readonly median: number;
  readonly p95: number;
}

// Table H at a tolerated ratio of 1.25.
const lates: readonly Late[] = [
  { name: "0.1 % to 5x at 25 %", rate: 0.001, thousandths: 25_000, worse: 5, median: 6_180, p95: 11_168 },
  { name: "0.1 % to 100 % at 1 %", rate: 0.001, thousandths: 1_000, worse: "all", median: 5, p95: 10 },
  { name: "1 % to 2x at 25 %", rate: 0.01, thousandths: 25_000, worse: 2, median: 11_372, p95: 16_742 },
  { name: "1 % to 20x at 25 %", rate: 0.01, thousandths: 25_000, worse: 20, median: 130, p95: 204 },
  { name: "1 % to 100 % at 1 %", rate: 0.01, thousandths: 1_000, worse: "all", median: 8, p95: 10 },
];
const lateFactor = 1.5;
const lateTicks = 12.5 * minuteTicks;

/** Candidates that turn bad after twelve and a half good minutes. */
export function lateFaults(setting: Setting): Section {
  const { quick } = setting;
  const section = "late";
  const experiments = lates.map(({ name, rate, thousandths, worse, median, p95 }): Experiment => {
    const faulty = { candidate: worse === "all" ? 1 : rate * worse, control: rate };
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 9 : 120,
      play: (random) =>
        playTicks(
          {
            ticks: lateTicks + ticks,
            requestsPerTick,
            thousandthsAt: () => thousandths,
            ratesAt: (tick) => (tick < lateTicks ? both(rate) : faulty),
            faultTick: lateTicks,
          },
          setting,
          random,
        ),
      rows: (results) => [delayRow({ section, name, results, quick, prototype: { median, p95 }, factor: lateFactor })],
    };
  });
  return {
    name: section,
    title: "Late faults",
    about:
      `Both arms alike for 750,000 requests, then the candidate turns bad. Candidate requests from there to the revert, within ${lateFactor} times the prototype's. ` +
      "`before` is the share of runs in which a rule had reverted the good candidate already.",
    experiments,
  };
}
