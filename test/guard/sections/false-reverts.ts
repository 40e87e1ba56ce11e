import { type Experiment, type Section, type Setting, shareRow } from "../experiment.ts";
import { playTicks } from "../tick-world.ts";
import { unitCount } from "../watch.ts";

/** Failure rates of the control arm, fractions. */
export const baselines = [0.0001, 0.001, 0.01] as const;
/** Shares of the candidate in thousandths of a percent. */
export const splits = [1_000, 5_000, 25_000] as const;
/** 1,000 requests a second. */
export const requestsPerTick = 250;
/** A million requests. */
export const ticks = 4_000;

/** 1 %, 5 % or 25 %. */
export function splitText(thousandths: number): string {
  return `${(thousandths / unitCount) * 100} %`;
}

/** A failure rate as its name in rows. */
export function rateText(rate: number): string {
  return `${rate * 100} %`;
}

/** Good candidates that are looked at every 250 ms. */
export function falseReverts(setting: Setting): Section {
  const { config, quick } = setting;
  const section = "false-reverts";
  const cellOf = (name: string, rate: number, worse: number, split: readonly number[]): Experiment => ({
    section,
    name: `${section}/${name}`,
    runs: quick ? 13 : 640,
    play(random) {
      const thousandths = split[Math.floor(random() * split.length)] ?? 1_000;
      const rates = { candidate: rate * worse, control: rate };
      const traffic = { ticks, requestsPerTick, thousandthsAt: () => thousandths, ratesAt: () => rates };
      return playTicks(traffic, setting, random);
    },
    rows: (results) => [
      shareRow({ section, name, results, quick, limit: 0.01, proof: worse === 1 ? "upper" : "estimate" }),
    ],
  });
  const nine = baselines.flatMap((rate) =>
    splits.map((split) => cellOf(`${rateText(rate)} failing at ${splitText(split)}`, rate, 1, [split])),
  );
  const tolerated = baselines.map((rate) =>
    cellOf(`${rateText(rate)} failing, as bad as tolerated, any split`, rate, config.toleratedRatio, splits),
  );
  return {
    name: section,
    title: "Good candidates that are reverted",
    about:
      `1,000 requests a second, a million requests, everybody looks every 250 ms. The first nine rows have the same failure rate in both arms; in the last three the ` +
      `candidate fails ${config.toleratedRatio} times as often all the time, which is the hardest of the good releases. Each of the nine holds when the exact (Clopper-Pearson) ` +
      "upper limit of the share, with a confidence of 95 %, is at most 1 %. The three are near the bound by intention, and hold when the share itself is at most 1 %.",
    experiments: [...nine, ...tolerated],
  };
}
