import { createVirtualClock, defaultGuardConfig, type OutcomeReport } from "@sluice/core";
import type { OutcomeBatch } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createReporter } from "../../packages/replica/src/reporter.ts";
import { drawViewShares, type DifferenceTraffic, weightOf } from "./difference-world.ts";
import { createLottery, createRandom } from "./random.ts";
import { type Failure, playReporters } from "./reporter-world.ts";
import { createUsers, trafficOfBursts, trafficOfOutage, trafficOfUsers } from "./users.ts";

const options = { config: { ...defaultGuardConfig, absolute: [] }, counting: "distinct" as const };
const thousandths = 5_000;

interface Arrival {
  readonly atMs: number;
  readonly candidate: number;
  readonly control: number;
}

const arrivalOf = ({ candidate, control }: Pick<OutcomeReport, "candidate" | "control">, atMs: number): Arrival => ({
  atMs: Math.round(atMs * 1e6) / 1e6,
  candidate: candidate.failures["error"]?.count ?? 0,
  control: control.failures["error"]?.count ?? 0,
});

/** What the product's own reporter sends of some failures, and when. */
async function sentByReporter(failures: readonly Failure[]): Promise<Arrival[]> {
  const clock = createVirtualClock();
  const arrivals: Arrival[] = [];
  const reporter = createReporter({
    id: "r",
    clock,
    random: () => 0.5,
    post: async (_to, _path, body) => {
      const { reports } = JSON.parse(body) as OutcomeBatch;
      for (const report of reports) arrivals.push(arrivalOf(report, clock.now()));
      return 202;
    },
  });
  reporter.connected("http://origin", "instance", false);
  for (const { atMs, unit } of failures) {
    while ((clock.nextInMs() ?? Infinity) <= atMs - clock.now()) {
      clock.runNext();
      await reporter.flush();
    }
    clock.advance(atMs - clock.now());
    const arm = unit < thousandths ? "candidate" : "control";
    reporter.outcome({ release: "r1", epoch: 1, arm, unit, failure: "error" });
  }
  clock.advance(1_000);
  await reporter.flush();
  reporter.close();
  return arrivals;
}

test("failures arrive in the reports, and at the times, in which the product's reporter sends them", async () => {
  const random = createRandom("arrivals");
  const failures = Array.from({ length: 300 }, (_, index) => ({
    // Never at the very moment of a flush, which either side may put first.
    atMs: index * 12 + random() * 10,
    unit: Math.floor(random() * 20_000),
    reporter: 0,
  }));
  const arrivals: Arrival[] = [];
  const onReport = (report: OutcomeReport, atMs: number): void => void arrivals.push(arrivalOf(report, atMs));
  const successes = [{ fromMs: 0, candidate: 0, control: 0 }];
  const traffic = { reporters: 1, thousandths, endMs: 5_000, failures, successes, onReport };
  playReporters(traffic, { ...options, config: { ...options.config, toleratedRatio: 100 } }, random);
  expect(arrivals.length).toBeGreaterThan(50);
  expect(arrivals).toEqual(await sentByReporter(failures));
});

test("successes arrive at their rate in each arm, a report of them 250 ms after its first", () => {
  const counts = { candidate: 0, control: 0, reports: 0 };
  const onReport = ({ candidate, control }: OutcomeReport): void => {
    counts.candidate += candidate.ok;
    counts.control += control.ok;
    counts.reports += 1;
  };
  const successes = [
    { fromMs: 0, candidate: 10, control: 90 },
    { fromMs: 50_000, candidate: 5, control: 45 },
  ];
  const traffic = { reporters: 5, thousandths, endMs: 100_000, failures: [], successes, onReport };
  playReporters(traffic, options, createRandom("successes"));
  expect(counts.candidate).toBeGreaterThan(750 - 5 * Math.sqrt(750));
  expect(counts.candidate).toBeLessThan(750 + 5 * Math.sqrt(750));
  expect(counts.control).toBeGreaterThan(6_750 - 5 * Math.sqrt(6_750));
  expect(counts.control).toBeLessThan(6_750 + 5 * Math.sqrt(6_750));
  // Each of five waits 50 ms for a first one at 20 a second, or 100 ms at 10, and then 250 ms.
  expect(counts.reports).toBeGreaterThan(5 * (50 / 0.3 + 50 / 0.35) * 0.95);
  expect(counts.reports).toBeLessThan(5 * (50 / 0.3 + 50 / 0.35) * 1.05);
});

test("both arms of an outage fail at the rates of its phases", () => {
  const phases = [
    { fromMs: 0, candidate: 0.1, control: 0.2 },
    { fromMs: 10_000, candidate: 0.5, control: 0 },
  ];
  const given = { requestsPerSecond: 2_000, reporters: 3, thousandths: 50_000, phases, endMs: 20_000 };
  const { failures } = trafficOfOutage(createRandom("outage"), given);
  const within = (fromMs: number, isCandidate: boolean): number =>
    failures.filter(({ atMs, unit }) => atMs >= fromMs && atMs < fromMs + 10_000 && unit < 50_000 === isCandidate)
      .length;
  expect(Math.abs(within(0, true) - 1_000)).toBeLessThan(5 * Math.sqrt(1_000));
  expect(Math.abs(within(0, false) - 2_000)).toBeLessThan(5 * Math.sqrt(2_000));
  expect(Math.abs(within(10_000, true) - 5_000)).toBeLessThan(5 * Math.sqrt(5_000));
  expect(within(10_000, false)).toBe(0);
});

test("bursts have their mean length and the failure rate of all requests", () => {
  const given = { requestsPerSecond: 1_000, failureRate: 0.01, burstMean: 5, gapMs: 10, endMs: 1_000_000 };
  const { failures } = trafficOfBursts(createRandom("bursts"), { ...given, reporters: 4, roaming: false, thousandths });
  // 2,000 bursts of 5 with a variance of 20, and as many bursts as chance gives: 45 for each.
  expect(Math.abs(failures.length - 10_000)).toBeLessThan(5 * Math.sqrt(2_000 * 45));
  expect(failures).toEqual(failures.toSorted((a, b) => a.atMs - b.atMs));
  const homes = Map.groupBy(failures, ({ unit }) => unit);
  const mean = failures.length / homes.size;
  expect(Math.abs(mean - 5)).toBeLessThan(0.6);
});

test("users fail as often as they do, whoever makes most of the requests", () => {
  const random = createRandom("users");
  const given = { count: 5_000, requestsPerSecond: 1_000, failingUsers: 0.01, failingRate: 0.8, otherRate: 0.002 };
  const users = createUsers(random, given);
  const rate = users.rates.reduce((sum, each, user) => sum + each * (users.failing[user] ?? 0), 0);
  const phases = [{ fromMs: 0, untilMs: 100_000, rateOf: (usual: number) => usual }];
  const { failures, successes } = trafficOfUsers(random, users, { reporters: 2, roaming: false, thousandths, phases });
  expect(Math.abs(failures.length - rate * 100)).toBeLessThan(5 * Math.sqrt(rate * 100));
  expect((successes[0]?.candidate ?? 0) + (successes[0]?.control ?? 0)).toBeCloseTo(1_000 - rate, 6);
});

test("the shares of views are those that views drawn read by read come to", () => {
  const traffic: DifferenceTraffic = {
    items: 500,
    changedItems: 20,
    brokenItems: 5,
    popularity: "zipf",
    itemsPerView: 4,
    viewsPerSecond: 0,
    failureRate: 0,
    thousandths,
    endMs: 0,
  };
  const ranks = Array.from({ length: traffic.items }, (_, rank) => weightOf(traffic, rank));
  expect(ranks.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 3);
  const shares = drawViewShares(traffic, createRandom("shares"));
  // The same draws again, to know which items they were.
  const again = createRandom("shares");
  const chosen = new Set<number>();
  while (chosen.size < traffic.changedItems) chosen.add(Math.floor(again() * traffic.items));
  const broken = new Set([...chosen].slice(0, traffic.brokenItems));
  const lottery = createLottery(ranks);
  const random = createRandom("views");
  const views = 40_000;
  const counts = { changed: 0, broken: 0 };
  for (let view = 0; view < views; view += 1) {
    const read = Array.from({ length: traffic.itemsPerView }, () => lottery.draw(random));
    if (read.some((rank) => broken.has(rank))) counts.broken += 1;
    else if (read.some((rank) => chosen.has(rank))) counts.changed += 1;
  }
  expect(Math.abs(counts.broken / views - shares.broken)).toBeLessThan(0.01);
  expect(Math.abs(counts.changed / views - shares.changed)).toBeLessThan(0.01);
});
