import { exponential, geometric, normal, createLottery, poisson, type Random } from "./random.ts";
import type { Failure, ReporterTraffic, Successes } from "./reporter-world.ts";
import { unitCount } from "./watch.ts";

/** How often a user's requests fail, as a share, from a moment on and by arm. */
export type FailureRate = (usual: number, arm: "candidate" | "control") => number;

/** Some users, whose traffic is lognormal, as shops see it: few make most of the requests. */
export interface Users {
  readonly units: Int32Array;
  /** Requests a second. */
  readonly rates: Float64Array;
  /** Their usual share of failures. */
  readonly failing: Float64Array;
}

/** Users of whom `failingUsers` (a share) fail `failingRate` of their requests, and the others `otherRate`. */
export function createUsers(
  random: Random,
  given: {
    readonly count: number;
    readonly requestsPerSecond: number;
    readonly failingUsers: number;
    readonly failingRate: number;
    readonly otherRate: number;
  },
): Users {
  const { count, requestsPerSecond } = given;
  const rates = Float64Array.from({ length: count }, () => Math.exp(1.5 * normal(random)));
  const sum = rates.reduce((total, rate) => total + rate, 0);
  return {
    units: Int32Array.from({ length: count }, () => Math.floor(random() * unitCount)),
    rates: rates.map((rate) => (rate / sum) * requestsPerSecond),
    failing: rates.map(() => (random() < given.failingUsers ? given.failingRate : given.otherRate)),
  };
}

/** A stretch of time and how a user fails in it. */
export interface Phase {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly rateOf: FailureRate;
}

/** The traffic of users in some processes, each user staying with one, or going to any of them with each request. */
export function trafficOfUsers(
  random: Random,
  users: Users,
  given: {
    readonly reporters: number;
    readonly roaming: boolean;
    readonly thousandths: number;
    readonly phases: readonly Phase[];
  },
): Pick<ReporterTraffic, "reporters" | "thousandths" | "failures" | "successes" | "endMs"> {
  const { reporters, roaming, thousandths, phases } = given;
  const home = Int32Array.from(users.units, () => Math.floor(random() * reporters));
  const failures: Failure[] = [];
  const successes: Successes[] = [];
  for (const { fromMs, untilMs, rateOf } of phases) {
    const ok = { fromMs, candidate: 0, control: 0 };
    const weights = users.rates.map((rate, user) => {
      const arm = (users.units[user] ?? 0) < thousandths ? "candidate" : "control";
      const failing = rateOf(users.failing[user] ?? 0, arm);
      ok[arm] += rate * (1 - failing);
      return rate * failing;
    });
    successes.push(ok);
    const lottery = createLottery(weights);
    const perMs = lottery.sum / 1000;
    for (let atMs = fromMs + exponential(random, perMs); atMs < untilMs; atMs += exponential(random, perMs)) {
      const user = lottery.draw(random);
      const reporter = roaming ? Math.floor(random() * reporters) : (home[user] ?? 0);
      failures.push({ atMs, unit: users.units[user] ?? 0, reporter });
    }
  }
  return { reporters, thousandths, failures, successes, endMs: phases.at(-1)?.untilMs ?? 0 };
}

/**
 * Traffic of ever new users in which whoever fails tries again and fails again: bursts of `burstMean` failures, `gapMs` apart in the mean.
 * Both arms fail alike, `failureRate` of all requests.
 */
export function trafficOfBursts(
  random: Random,
  given: {
    readonly requestsPerSecond: number;
    readonly failureRate: number;
    readonly burstMean: number;
    readonly gapMs: number;
    readonly reporters: number;
    readonly roaming: boolean;
    readonly thousandths: number;
    readonly endMs: number;
  },
): ReporterTraffic {
  const { requestsPerSecond, failureRate, burstMean, gapMs, reporters, roaming, thousandths, endMs } = given;
  const failures: Failure[] = [];
  const bursts = poisson(random, ((requestsPerSecond * failureRate) / burstMean) * (endMs / 1000));
  for (let burst = 0; burst < bursts; burst += 1) {
    const unit = Math.floor(random() * unitCount);
    const home = Math.floor(random() * reporters);
    let atMs = random() * endMs;
    for (let left = geometric(random, burstMean); left > 0; left -= 1) {
      failures.push({ atMs, unit, reporter: roaming ? Math.floor(random() * reporters) : home });
      atMs += exponential(random, 1 / gapMs);
    }
  }
  failures.sort((a, b) => a.atMs - b.atMs);
  const ok = requestsPerSecond * (1 - failureRate);
  const share = thousandths / unitCount;
  const successes = [{ fromMs: 0, candidate: ok * share, control: ok * (1 - share) }];
  return { reporters, thousandths, endMs, failures, successes };
}

/** Traffic of ever new users whose requests fail independently, in both arms at the same rate, which changes by phase. */
export function trafficOfOutage(
  random: Random,
  given: {
    readonly requestsPerSecond: number;
    readonly reporters: number;
    readonly thousandths: number;
    /** By time, the first from 0. */
    readonly phases: readonly { readonly fromMs: number; readonly candidate: number; readonly control: number }[];
    readonly endMs: number;
  },
): ReporterTraffic {
  const { requestsPerSecond, reporters, thousandths, phases, endMs } = given;
  const share = thousandths / unitCount;
  const failures: Failure[] = [];
  const successes: Successes[] = [];
  for (const [index, { fromMs, ...rates }] of phases.entries()) {
    const untilMs = phases[index + 1]?.fromMs ?? endMs;
    const perSecond = { candidate: requestsPerSecond * share, control: requestsPerSecond * (1 - share) };
    successes.push({
      fromMs,
      candidate: perSecond.candidate * (1 - rates.candidate),
      control: perSecond.control * (1 - rates.control),
    });
    const failing = perSecond.candidate * rates.candidate;
    const perMs = (failing + perSecond.control * rates.control) / 1000;
    for (let atMs = fromMs + exponential(random, perMs); atMs < untilMs; atMs += exponential(random, perMs)) {
      const isCandidate = random() * perMs * 1000 < failing;
      const unit = isCandidate ? random() * thousandths : thousandths + random() * (unitCount - thousandths);
      failures.push({ atMs, unit: Math.floor(unit), reporter: Math.floor(random() * reporters) });
    }
  }
  return { reporters, thousandths, endMs, failures, successes };
}
