import type { PromotionBound } from "@sluice/core";
import {
  costsOf,
  delayText,
  type Experiment,
  firedBy,
  isWithin,
  pairText,
  percentText,
  type Row,
  type Section,
  type Setting,
} from "../experiment.ts";
import { playPlan } from "../plan-world.ts";
import { medianInterval, quantile, shareInterval } from "../statistics.ts";
import type { RunResult } from "../watch.ts";
import { rateText, requestsPerTick, splits, splitText, ticks } from "./false-reverts.ts";

/** When a plan may go on: bad candidates that slip through, and what good ones have to wait for. */
export function promotion(setting: Setting): Section {
  const { config, quick } = setting;
  const section = "promotion";
  const { beta, bounds } = config.promotion;
  const boundOf = (thousandths: number): PromotionBound => {
    const bound = bounds.findLast(({ fromThousandths }) => fromThousandths <= thousandths);
    if (bound === undefined) throw new Error("there is a bound from 0 on");
    return bound;
  };

  const bad = (thousandths: number, rate: number): Experiment => {
    const bound = boundOf(thousandths);
    const name = `just intolerable (${textOf(bound)}), ${rateText(rate)} failing, at ${splitText(thousandths)}`;
    const rates = { candidate: intolerable(bound, rate), control: rate };
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 40 : 500,
      play: (random) =>
        playPlan({ steps: [thousandths], requestsPerTick, ticks, ratesAt: () => rates }, setting, random),
      rows: (results) => [slippedRow(section, name, results, beta)],
    };
  };

  const good = (thousandths: number, rate: number): Experiment => {
    const bound = boundOf(thousandths);
    const name = `good, ${rateText(rate)} failing, ${textOf(bound)} to be ruled out, at ${splitText(thousandths)}`;
    const rates = { candidate: rate, control: rate };
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 20 : 200,
      play: (random) =>
        playPlan({ steps: [thousandths], requestsPerTick, ticks, ratesAt: () => rates }, setting, random),
      rows: (results) => [openedRow(section, name, results, waitOf(bound, thousandths, rate), quick)],
    };
  };

  const walkBad = (): Experiment => {
    const bound = boundOf(25_000);
    const name = `just intolerable at 25 % (${textOf(bound)}), 1, 5, 25 % as the test opens, failures swing between 0.1 and 1 %`;
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 40 : 500,
      play: (random) =>
        playPlan(
          {
            steps: splits,
            requestsPerTick,
            ticks,
            ratesAt: (tick) => ({ candidate: intolerable(bound, swing(tick)), control: swing(tick) }),
          },
          setting,
          random,
        ),
      rows: (results) => [slippedRow(section, name, results, beta)],
    };
  };
  const walkGood = (): Experiment => {
    const name = "good, 1, 5, 25 % as the test opens, failures swing between 0.1 and 1 %";
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 20 : 200,
      play: (random) =>
        playPlan(
          {
            steps: splits,
            requestsPerTick,
            ticks,
            ratesAt: (tick) => ({ candidate: swing(tick), control: swing(tick) }),
          },
          setting,
          random,
        ),
      rows: (results) => [openedRow(section, name, results, null, quick)],
    };
  };

  return {
    name: section,
    title: "The promotion test",
    about:
      `1,000 requests a second. \`Just intolerable\` candidates are as good as an intolerable one can be; at most ${percentText(beta)} of them may be let through, and a row holds when ` +
      "its runs do not refute that (the lower end of the 95 % interval; the guard reverts nearly all the others). Good candidates: candidate requests until the test opens, within " +
      `${factor} times the prototype's, or, where nothing fails, 3.6 divided by the extra rate and two ticks. The last two walk a plan through its steps while the failures of both arms rise and fall.`,
    experiments: [
      ...splits.flatMap((thousandths) => [0.001, 0.01].map((rate) => bad(thousandths, rate))),
      walkBad(),
      ...splits.flatMap((thousandths) => [0, 0.0001, 0.001, 0.01].map((rate) => good(thousandths, rate))),
      walkGood(),
    ],
  };
}

function textOf({ worseRatio, worseExtraRate }: PromotionBound): string {
  return `${worseRatio}x + ${rateText(worseExtraRate)}`;
}

/** The least of the intolerable rates. */
function intolerable({ worseRatio, worseExtraRate }: PromotionBound, rate: number): number {
  return worseRatio * rate + worseExtraRate;
}

/** Both arms' failure rate while a plan walks; what is intolerable at 25 % is tolerable to the steps before. */
function swing(tick: number): number {
  return 0.0055 - 0.0045 * Math.cos((2 * Math.PI * tick) / 480);
}

interface Wait {
  readonly median: number;
  readonly p95: number;
}

const factor = 1.6;

// The prototype's figures for 2x + 0.1 %, the greater of each pair.
const prototypes: Readonly<Record<number, Wait>> = {
  0.0001: { median: 3_569, p95: 7_900 },
  0.001: { median: 3_000, p95: 8_400 },
  0.01: { median: 950, p95: 3_800 },
};

function waitOf({ worseExtraRate }: PromotionBound, thousandths: number, rate: number): Wait | null {
  if (rate === 0) {
    const requests = 3.6 / worseExtraRate + (2 * requestsPerTick * thousandths) / 100_000;
    return { median: requests / factor, p95: requests / factor };
  }
  return thousandths === 25_000 ? (prototypes[rate] ?? null) : null;
}

function slippedRow(section: string, name: string, results: readonly RunResult[], beta: number): Row {
  const promoted = firedBy(results, "promoted").filter((fired) => fired !== null).length;
  const reverted = firedBy(results, "guard").filter((fired) => fired !== null).length;
  const runs = results.length;
  const interval = shareInterval(promoted, runs);
  return {
    section,
    name,
    figure: "let through",
    unit: "share",
    value: promoted / runs,
    ...interval,
    bound: `≤ ${percentText(beta)} let through`,
    holds: interval.low <= beta,
    runs,
    columns: {
      "let through": `${percentText(promoted / runs)} (${promoted} of ${runs})`,
      "95 % interval": `${percentText(interval.low)} – ${percentText(interval.high)}`,
      reverted: percentText(reverted / runs),
    },
    points: {},
    pointsUnit: "requests",
  };
}

function openedRow(
  section: string,
  name: string,
  results: readonly RunResult[],
  prototype: Wait | null,
  quick: boolean,
): Row {
  const fired = firedBy(results, "promoted");
  const requests = costsOf(fired, "requests");
  const [value, p95] = [quantile(requests, 0.5), quantile(requests, 0.95)];
  const interval = medianInterval(requests);
  const limits = prototype && { median: prototype.median * factor, p95: prototype.p95 * factor };
  const reverted = firedBy(results, "guard").filter((one) => one !== null).length;
  return {
    section,
    name,
    figure: "candidate requests until it opens, median",
    unit: "requests",
    value,
    ...interval,
    bound: limits === null ? "" : `≤ ${pairText(limits)}`,
    holds: limits === null ? null : isWithin({ median: value, p95, low: interval.low }, limits, quick),
    runs: results.length,
    columns: {
      "requests until it opens, median / p95": delayText(fired),
      "seconds, median": (quantile(costsOf(fired, "ms"), 0.5) / 1000).toFixed(1),
      reverted: percentText(reverted / results.length),
    },
    points: {},
    pointsUnit: "requests",
  };
}
