import { slowKind } from "@sluice/core";
import { delayRow, type Experiment, type Section, type Setting, shareRow } from "../experiment.ts";
import { playReporters } from "../reporter-world.ts";
import { createUsers, type FailureRate, trafficOfBursts, trafficOfOutage, trafficOfUsers } from "../users.ts";
import { splitText } from "./false-reverts.ts";

const reporters = 10;
const requestsPerSecond = 1_000;
const endMs = 300_000;
const someUsers = { count: 20_000, requestsPerSecond, failingUsers: 0.01, failingRate: 0.8, otherRate: 0.002 };
const slowUsers = { ...someUsers, count: 3_000, failingUsers: 0.02 };

interface Fault {
  readonly name: string;
  readonly rateOf: FailureRate;
  /** Thousandths, and the prototype's median of candidate requests (table E, both streams, tolerated ratio 1.25). */
  readonly prototype: readonly (readonly [thousandths: number, median: number])[];
}

const inCandidate =
  (change: (usual: number) => number): FailureRate =>
  (usual, arm) =>
    arm === "candidate" ? Math.min(1, change(usual)) : usual;

const faults: readonly Fault[] = [
  {
    name: "every request",
    rateOf: inCandidate(() => 1),
    prototype: [
      [1_000, 4],
      [25_000, 60],
    ],
  },
  {
    name: "5 points more",
    rateOf: inCandidate((usual) => usual + 0.05),
    prototype: [
      [1_000, 127],
      [25_000, 253],
    ],
  },
  {
    name: "5 times as often",
    rateOf: inCandidate((usual) => usual * 5),
    prototype: [
      [1_000, 1_897],
      [25_000, 4_139],
    ],
  },
];
// The prototype had 60 runs.
const faultFactor = 1.6;

/** Failures that come in clusters: whoever fails tries again, and a few users always fail. */
export function users(setting: Setting): Section {
  const { quick, config, counting } = setting;
  const beside = { "raw counts": { config, counting: "raw" as const } };
  const section = "users";
  const runs = quick ? 6 : 200;

  const bursts = (thousandths: number, roaming: boolean): Experiment => {
    const where = roaming ? ", each request to any of 10 processes" : "";
    const name = `bursts of 5 failures a user at ${splitText(thousandths)}${where}`;
    return {
      section,
      name: `${section}/${name}`,
      runs,
      play(random) {
        const given = {
          requestsPerSecond,
          failureRate: 0.01,
          burstMean: 5,
          gapMs: 1_000,
          reporters,
          thousandths,
          endMs,
        };
        const traffic = trafficOfBursts(random, { ...given, roaming });
        return playReporters(traffic, { config, counting, beside }, random);
      },
      rows: (results) => [shareRow({ section, name, results, quick, limit: 0.01, proof: "estimate" })],
    };
  };

  const always = (thousandths: number, roaming: boolean): Experiment => {
    const where = roaming ? ", each request to any of 10 processes" : "";
    const name = `1 % of users fail 80 % of their requests at ${splitText(thousandths)}${where}`;
    return {
      section,
      name: `${section}/${name}`,
      runs,
      play(random) {
        const phases = [{ fromMs: 0, untilMs: endMs, rateOf: (usual: number) => usual }];
        const given = { reporters, roaming, thousandths, phases };
        const traffic = trafficOfUsers(random, createUsers(random, someUsers), given);
        return playReporters(traffic, { config, counting, beside }, random);
      },
      rows: (results) => [shareRow({ section, name, results, quick, limit: 0.01, proof: "estimate" })],
    };
  };

  const slow = (thousandths: number): Experiment => {
    const name = `2 % of users are always slow at ${splitText(thousandths)}, each request to any of 10 processes`;
    const slowConfig = { ...config, slowMs: 1_000 };
    return {
      section,
      name: `${section}/${name}`,
      runs,
      play(random) {
        const phases = [{ fromMs: 0, untilMs: endMs, rateOf: (usual: number) => usual }];
        const given = { reporters, roaming: true, thousandths, phases };
        const traffic = { ...trafficOfUsers(random, createUsers(random, slowUsers), given), kind: slowKind };
        const rawBeside = { "raw counts": { config: slowConfig, counting: "raw" as const } };
        return playReporters(traffic, { config: slowConfig, counting, beside: rawBeside }, random);
      },
      rows: (results) => [shareRow({ section, name, results, quick, limit: 0.01, proof: "estimate" })],
    };
  };

  const merged = (thousandths: number): Experiment => {
    const name = `failures of ever new users at ${splitText(thousandths)}, merged by a sidecar, half of 10 processes without units`;
    return {
      section,
      name: `${section}/${name}`,
      runs,
      play(random) {
        const phases = [{ fromMs: 0, candidate: 0.2, control: 0.2 }];
        const traffic = trafficOfOutage(random, { requestsPerSecond, reporters, thousandths, phases, endMs });
        const behind = { ...traffic, unitless: reporters / 2, behindSidecar: true };
        return playReporters(behind, { config, counting, beside }, random);
      },
      rows: (results) => [shareRow({ section, name, results, quick, limit: 0.01, proof: "estimate" })],
    };
  };

  const faulty = ({ name: kind, rateOf }: Fault, thousandths: number, median: number): Experiment => {
    const name = `the same users, the candidate fails ${kind} at ${splitText(thousandths)}`;
    return {
      section,
      name: `${section}/${name}`,
      runs: quick ? 7 : 100,
      play(random) {
        const phases = [{ fromMs: 0, untilMs: endMs, rateOf }];
        const given = { reporters, roaming: false, thousandths, phases };
        const traffic = trafficOfUsers(random, createUsers(random, someUsers), given);
        return playReporters(traffic, { config, counting, beside }, random);
      },
      rows: (results) => [
        delayRow({ section, name, results, quick, prototype: { median, p95: Infinity }, factor: faultFactor }),
      ],
    };
  };

  return {
    name: section,
    title: "Failures in clusters",
    about:
      "Both arms alike, 300,000 requests, 10 processes with the product's tally. Bursts: 1 % of requests fail, each failure of a user followed by others a second apart, 5 in the mean. " +
      "Always failing: 20,000 users with lognormal traffic, of whom 1 % fail 80 % of their requests and the others 0.2 %. `raw counts` is the same guard told of every single " +
      "failure and of no units. A row holds when at most 1 % of the runs are reverted, or when the median of a fault is within 1.6 times the prototype's. " +
      "Users stay with a process, but where each request goes to any of them: the origin knows a user's retries, and who is slow again, by the unit. " +
      "Always slow: 3,000 users, of whom 2 % are slow in 80 % of their requests and the others in 0.2 %. Merged by a sidecar: 20 % of all requests fail, and half the processes send no units.",
    experiments: [
      ...[1_000, 25_000].flatMap((thousandths) => [bursts(thousandths, false), always(thousandths, false)]),
      ...faults.flatMap((fault) => fault.prototype.map(([thousandths, median]) => faulty(fault, thousandths, median))),
      bursts(25_000, true),
      always(25_000, true),
      slow(5_000),
      slow(25_000),
      merged(5_000),
    ],
  };
}
