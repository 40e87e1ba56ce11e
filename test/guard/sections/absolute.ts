import type { AbsoluteMode } from "@sluice/core";
import { delayRow, type Experiment, type Row, type Section, type Setting, shareRow } from "../experiment.ts";
import { playTicks, type Rates, type TickTraffic } from "../tick-world.ts";
import type { GuardSetting } from "../watch.ts";
import { rateText, requestsPerTick, splitText } from "./false-reverts.ts";

const limit = { errorRateLimit: 0.02, windowMs: 30_000, requestsMin: 50, alpha: 0.002 };
// The prototype's rule had five times the chance of an error.
const factor = 1.8;
const minuteTicks = 240;

// Table F at 1 % and 25 %: what the comparison and the confirmed rule come to together is the earlier of the two.
const bads: readonly { readonly rate: number; readonly thousandths: number; readonly median: number }[] = [
  { rate: 0.04, thousandths: 1_000, median: 147 },
  { rate: 0.04, thousandths: 25_000, median: 309 },
  { rate: 0.1, thousandths: 1_000, median: 37 },
  { rate: 0.1, thousandths: 25_000, median: 116 },
  { rate: 1, thousandths: 1_000, median: 4 },
  { rate: 1, thousandths: 25_000, median: 63 },
  { rate: 0.04, thousandths: 100_000, median: 970 },
];

/** A limit on the candidate's own rate, in its three modes. */
export function absolute(setting: Setting): Section {
  const { quick, counting } = setting;
  const section = "absolute";
  const withMode = (mode: AbsoluteMode): GuardSetting => ({
    config: { ...setting.config, absolute: [{ ...limit, mode }] },
    counting,
  });
  const options = {
    ...withMode("confirmed"),
    beside: { evidence: withMode("evidence"), literal: withMode("literal") },
    rivals: false,
  };

  const good = (
    name: string,
    runs: number,
    ticks: number,
    thousandths: number,
    ratesAt: TickTraffic["ratesAt"],
  ): Experiment => ({
    section,
    name: `${section}/${name}`,
    runs: quick ? Math.ceil(runs / 30) : runs,
    play: (random) => playTicks({ ticks, requestsPerTick, thousandthsAt: () => thousandths, ratesAt }, options, random),
    rows: (results) => [named(shareRow({ section, name, results, quick, limit: 0.01, proof: "estimate" }))],
  });
  const goods = [0.005, 0.01, 0.015].flatMap((rate) =>
    [1_000, 25_000, 100_000].map((thousandths) => {
      const name = `good, ${rateText(rate)} failing at ${splitText(thousandths)}`;
      return good(name, 200, 5 * minuteTicks, thousandths, () => ({ candidate: rate, control: rate }));
    }),
  );
  const outages = [1_000, 25_000].map((thousandths) =>
    good(`30 % of both arms fail for 60 s, at ${splitText(thousandths)}`, 200, 2 * minuteTicks, thousandths, down),
  );

  const bad = ({ rate, thousandths, median }: (typeof bads)[number]): Experiment => {
    const name = `bad, 0.1 % to ${rateText(rate)} at ${splitText(thousandths)}`;
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 15 : 200,
      play: (random) =>
        playTicks(
          {
            ticks: 5 * minuteTicks,
            requestsPerTick,
            thousandthsAt: () => thousandths,
            ratesAt: () => ({ candidate: rate, control: 0.001 }),
          },
          options,
          random,
        ),
      rows: (results) => [
        named(delayRow({ section, name, results, quick, prototype: { median, p95: Infinity }, factor })),
      ],
    };
  };

  return {
    name: section,
    title: "Absolute rules and their modes",
    about:
      `A limit of 2 % over 30 s with at least 50 requests, beside the comparison. \`guard\` has it in the mode \`confirmed\`; \`evidence\` and \`literal\` are the same guard with the other modes. ` +
      "Five minutes at 1,000 requests a second; at 100 % there is no control arm and the rule is alone. A row holds when `confirmed` reverts at most 1 % of the good candidates, or is " +
      `within ${factor} times the prototype's median, whose rule might err five times as often.`,
    experiments: [...goods, ...outages, ...bads.map(bad)],
  };
}

/** A minute in which both arms fail alike. */
function down(tick: number): Rates {
  const rate = tick >= 60 && tick < 60 + minuteTicks ? 0.3 : 0.001;
  return { candidate: rate, control: rate };
}

/** A row whose guard is called by the mode of its rule. */
function named(row: Row): Row {
  const { guard = "", ...others } = row.columns;
  const { guard: point = Number.NaN, ...otherPoints } = row.points;
  const points = { confirmed: point, ...otherPoints };
  return { ...row, columns: { confirmed: guard, ...others }, points };
}
