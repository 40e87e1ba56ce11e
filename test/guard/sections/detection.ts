import {
  delayRow,
  type Experiment,
  percentText,
  type Row,
  type Section,
  type Setting,
  shareRow,
} from "../experiment.ts";
import type { RunResult } from "../watch.ts";
import { playTicks } from "../tick-world.ts";
import { baselines, rateText, requestsPerTick, splits, splitText, ticks } from "./false-reverts.ts";

/** What the prototype came to: median and 95th percentile, or the share of runs in which it found the fault at all. */
type Prototype = readonly [median: number, p95: number] | { readonly found: number };

// Table B of the prototype at a tolerated ratio of 1.25, alpha 0.01: 1 %, 5 %, 25 %.
const prototypes: Readonly<Record<string, readonly [Prototype, Prototype, Prototype]>> = {
  "0.0001 2": [{ found: 0 }, { found: 0.03 }, { found: 0.21 }],
  "0.0001 5": [{ found: 0.24 }, [19_888, Infinity], [28_664, 78_313]],
  "0.0001 20": [
    [1_768, 4_932],
    [2_024, 5_191],
    [3_625, 7_853],
  ],
  "0.001 2": [{ found: 0.11 }, [34_798, Infinity], [45_483, 119_329]],
  "0.001 5": [
    [1_967, 5_243],
    [1_857, 5_259],
    [3_240, 7_737],
  ],
  "0.001 20": [
    [187, 492],
    [219, 529],
    [395, 850],
  ],
  "0.01 2": [
    [3_309, 8_257],
    [3_396, 8_314],
    [5_043, 11_504],
  ],
  "0.01 5": [
    [189, 506],
    [228, 514],
    [359, 815],
  ],
  "0.01 20": [
    [20, 47],
    [29, 58],
    [65, 131],
  ],
};
const everything: readonly [Prototype, Prototype, Prototype] = [
  [4, 8],
  [12, 19],
  [62, 76],
];

/** How many times the prototype's figures may be: alpha is 0.006 here and was 0.01 there, which alone costs a ninth. */
const factor = 1.5;
// Of the runs that the prototype found, so many at least.
const foundShare = 0.5;

const regressions: readonly (number | "all")[] = [2, 5, 20, "all"];

/** Bad candidates, and what they cost until they are gone. */
export function detection(setting: Setting): Section {
  const section = "detection";
  const experiments = baselines.flatMap((rate) =>
    regressions.flatMap((worse) =>
      splits.map((split, column): Experiment => {
        const prototype = (worse === "all" ? everything : prototypes[`${rate} ${worse}`])?.[column];
        const [from, to] = [rateText(rate), worse === "all" ? "100 %" : `${worse}x`];
        const name = `${from} to ${to} at ${splitText(split)}`;
        const rates = { candidate: worse === "all" ? 1 : rate * worse, control: rate };
        return {
          section,
          name: `${section}/${name}`,
          runs: setting.quick ? 9 : 200,
          play: (random) =>
            playTicks({ ticks, requestsPerTick, thousandthsAt: () => split, ratesAt: () => rates }, setting, random),
          rows: (results) => [rowOf(section, name, results, setting, prototype)],
        };
      }),
    ),
  );
  return {
    name: section,
    title: "Bad candidates, and what they cost",
    about:
      `Candidate requests until the revert, over a million requests of both arms; reports come every 250 ms, so at 25 % the least possible is the 62 of one tick. ` +
      `A row holds when the median and the 95th percentile are within ${factor} times those of the prototype, which had the whole 1 % for the comparison alone. ` +
      `Where the prototype did not find half of the regressions within a million requests, a row holds when its interval reaches ${foundShare * 100} % of what the prototype found.`,
    experiments,
  };
}

function rowOf(
  section: string,
  name: string,
  results: readonly RunResult[],
  { quick }: Setting,
  prototype: Prototype | undefined,
): Row {
  if (prototype === undefined) throw new Error(`the prototype has no figure for ${name}`);
  if (!("found" in prototype)) {
    const [median, p95] = prototype;
    return delayRow({ section, name, results, quick, prototype: { median, p95 }, factor });
  }
  const row = delayRow({ section, name, results, quick, prototype: null, factor });
  const share = shareRow({ section, name, results, quick, limit: null });
  const limit = prototype.found * foundShare;
  return {
    ...row,
    figure: "found within a million requests",
    unit: "share",
    value: share.value,
    low: share.low,
    high: share.high,
    bound: limit === 0 ? "" : `≥ ${percentText(limit)} found`,
    // Nobody can find what gives no sign in a million requests.
    holds: limit === 0 ? null : share.high >= limit,
    columns: {
      ...row.columns,
      guard: `${percentText(share.value)} found`,
      "95 % interval of the median": `${percentText(share.low)} – ${percentText(share.high)} found`,
      "failures, median / p95": "–",
      prototype: `${percentText(prototype.found)} found`,
    },
  };
}
