import { type Experiment, type Section, type Setting, shareRow } from "../experiment.ts";
import { playReporters } from "../reporter-world.ts";
import { trafficOfOutage } from "../users.ts";
import { splits } from "./false-reverts.ts";

const requestsPerSecond = 1_000;
const usual = { candidate: 0.001, control: 0.001 };
const down = { candidate: 0.3, control: 0.3 };

/** Both arms fail alike for a minute: a payment service is down, and no candidate is to blame. */
export function sharedOutage(setting: Setting): Section {
  const { quick } = setting;
  const section = "shared-outage";
  const experiments = [2, 50, 500].map((reporters): Experiment => {
    const name = `30 % of all requests fail for 60 s, ${reporters} reporters`;
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 8 : 200,
      play(random) {
        const traffic = trafficOfOutage(random, {
          requestsPerSecond,
          reporters,
          thousandths: splits[Math.floor(random() * splits.length)] ?? 1_000,
          phases: [
            { fromMs: 0, ...usual },
            { fromMs: 10_000, ...down },
            { fromMs: 70_000, ...usual },
          ],
          endMs: 75_000,
        });
        return playReporters(traffic, setting, random);
      },
      rows: (results) => [shareRow({ section, name, results, quick, limit: 0.01, proof: "estimate" })],
    };
  });
  return {
    name: section,
    title: "Outages that both arms share",
    about:
      "1,000 requests a second, 0.1 % failing, at 1, 5 or 25 %; then 30 % of both arms fail for a minute. Outcomes are counted by the product's own tally, one for each " +
      "process, and sent by its rules: within 250 ms, and 20 ms after a failure in either arm. A row holds when at most 1 % of the runs are reverted.",
    experiments,
  };
}
