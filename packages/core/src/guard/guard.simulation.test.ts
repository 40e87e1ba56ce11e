import { expect, test, vi } from "vitest";
import { defaultGuardConfig, type GuardConfig, slotMs } from "./config.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import type { ArmReport } from "./report.ts";
import type { GuardState } from "./state.ts";
import { unitCount } from "./units.ts";
import type { GuardVerdict } from "./verdict.ts";

// Every world below is a function of this number and of its own index. The promise is 0.8 % of good releases, not none:
// where a test asks for no revert at all, some other seed may rightly show one.
const seed = 11_11;
const minute = 60_000 / slotMs;

// Hundreds of worlds take seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

type Random = () => number;

/** A stream of numbers in [0, 1) for one world (sfc32). */
function randomOf(...names: number[]): Random {
  let [a, b, c, counter] = [seed, names[0] ?? 0, names[1] ?? 0, 1];
  const next: Random = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 20; warmUp += 1) next();
  return next;
}

/** How many of some trials succeed, by jumping from one success to the next. */
function binomial(random: Random, trials: number, chance: number): number {
  if (chance <= 0 || trials === 0) return 0;
  if (chance >= 1) return trials;
  if (chance > 0.5) return trials - binomial(random, trials, 1 - chance);
  const logMiss = Math.log1p(-chance);
  let successes = 0;
  for (let trial = jump(); trial < trials; trial += 1 + jump()) successes += 1;
  return successes;

  function jump(): number {
    return Math.floor(Math.log(1 - random()) / logMiss);
  }
}

function unitsBetween(random: Random, count: number, min: number, end: number): number[] {
  return Array.from({ length: Math.min(count, 256) }, () => min + Math.floor(random() * (end - min)));
}

function arm(requests: number, failures: number, units: number[] = [], distinct = failures): ArmReport {
  return { ok: requests - failures, failures: { error: { count: failures, distinct } }, units };
}

/** The most reverts that chance allows in some worlds, each with a probability of at most `alpha`; exceeded once in 10,000. */
function revertsAllowed(worlds: number, alpha: number): number {
  let [chance, sum, reverts] = [(1 - alpha) ** worlds, 0, 0];
  for (sum = chance; sum < 0.9999; sum += chance) {
    reverts += 1;
    chance *= ((worlds - reverts + 1) / reverts) * (alpha / (1 - alpha));
  }
  return reverts;
}

const alphaOfRelease =
  defaultGuardConfig.alpha + defaultGuardConfig.absolute.reduce((sum, { alpha }) => sum + alpha, 0);

interface Traffic {
  config?: GuardConfig;
  ticks: number;
  requestsPerTick: number;
  thousandthsAt: (tick: number) => number;
  /** Failure rates of the candidate and of the control. */
  ratesAt: (tick: number) => [candidate: number, control: number];
}

/** Independent requests of ever new users, every tick one report. Ends at a revert. */
function play(traffic: Traffic, random: Random): GuardVerdict & { tick: number } {
  let thousandths = traffic.thousandthsAt(0);
  let epoch = 1;
  const guard = createGuard(traffic.config ?? defaultGuardConfig, { epoch, thousandths });
  let verdict = tickGuard(guard, 0);
  for (let tick = 0; tick < traffic.ticks; tick += 1) {
    if (traffic.thousandthsAt(tick) !== thousandths) {
      thousandths = traffic.thousandthsAt(tick);
      epoch += 1;
      stepGuard(guard, { epoch, thousandths });
    }
    const [candidateRate, controlRate] = traffic.ratesAt(tick);
    const candidates = binomial(random, traffic.requestsPerTick, thousandths / unitCount);
    const controls = traffic.requestsPerTick - candidates;
    const [failed, controlFailed] = [
      binomial(random, candidates, candidateRate),
      binomial(random, controls, controlRate),
    ];
    ingest(guard, {
      epoch,
      candidate: arm(candidates, failed, unitsBetween(random, failed, 0, thousandths)),
      control: arm(controls, controlFailed, unitsBetween(random, controlFailed, thousandths, unitCount)),
    });
    verdict = tickGuard(guard, (tick + 1) * slotMs);
    if (verdict.action === "revert") return { ...verdict, tick };
  }
  return { ...verdict, tick: traffic.ticks };
}

function playMany(worlds: number, name: number, trafficOf: (world: number) => Traffic) {
  return Array.from({ length: worlds }, (_, world) => play(trafficOf(world), randomOf(name, world)));
}

function revertsOf(verdicts: readonly GuardVerdict[]): number {
  return verdicts.filter(({ action }) => action === "revert").length;
}

const splits = [1000, 5000, 25_000];
const splitOf = (world: number): number => splits[world % splits.length] ?? 1000;

test.for([0.0001, 0.001, 0.01])(
  `good releases are hardly ever reverted at a failure rate of %d (seed ${seed})`,
  (rate) => {
    const worlds = 300;
    // As bad as tolerated, all the time: the hardest of the good releases.
    const verdicts = playMany(worlds, rate * 1e6, (world) => ({
      ticks: 800,
      requestsPerTick: 250,
      thousandthsAt: () => splitOf(world),
      ratesAt: () => [rate * defaultGuardConfig.toleratedRatio, rate],
    }));
    expect(revertsOf(verdicts)).toBeLessThanOrEqual(revertsAllowed(worlds, alphaOfRelease));
  },
);

test(`an outage that both arms share reverts nothing (seed ${seed})`, () => {
  const verdicts = playMany(150, 2, (world) => ({
    ticks: 2 * minute,
    requestsPerTick: 250,
    thousandthsAt: () => splitOf(world),
    ratesAt: (tick) => (tick >= 60 && tick < 60 + minute ? [0.3, 0.3] : [0.001, 0.001]),
  }));
  expect(revertsOf(verdicts)).toBe(0);
});

test(`a candidate that fails every request is gone within tens of its requests (seed ${seed})`, () => {
  const thousandths = [100, 1000, 5000];
  const verdicts = playMany(150, 3, (world) => ({
    ticks: 40 * minute,
    requestsPerTick: [2, 50, 250][world % 3] ?? 50,
    thousandthsAt: () => thousandths[Math.floor(world / 3) % 3] ?? 1000,
    ratesAt: () => [1, [0, 0.001][world % 2] ?? 0],
  }));
  expect(revertsOf(verdicts)).toBe(verdicts.length);
  const requests = verdicts.map(({ evidence }) => evidence.candidateRequests).toSorted((a, b) => a - b);
  expect(requests[Math.floor(requests.length / 2)]).toBeLessThanOrEqual(8);
  expect(requests.at(-1)).toBeLessThanOrEqual(30);
});

test(`a regression that begins after twelve minutes is found in hundreds of requests, not in thousands (seed ${seed})`, () => {
  const begins = 12 * minute;
  const verdicts = playMany(15, 4, () => ({
    ticks: begins + 10 * minute,
    requestsPerTick: 250,
    thousandthsAt: () => 25_000,
    ratesAt: (tick) => [tick < begins ? 0.01 : 0.05, 0.01],
  }));
  expect(revertsOf(verdicts)).toBe(verdicts.length);
  const requests = verdicts.map(({ tick }) => (tick - begins) * 62).toSorted((a, b) => a - b);
  expect(requests[0]).toBeGreaterThanOrEqual(0);
  expect(requests[7]).toBeLessThan(1500);
});

test(`a percentage that rises while everything gets worse reverts nothing (seed ${seed})`, () => {
  const verdicts = playMany(150, 5, () => ({
    ticks: 4 * minute,
    requestsPerTick: 250,
    thousandthsAt: (tick) => (tick < 2 * minute ? 1000 : 25_000),
    ratesAt: (tick) => (tick < 2 * minute ? [0.001, 0.001] : [0.01, 0.01]),
  }));
  expect(revertsOf(verdicts)).toBe(0);
});

test(`processes that lag a step behind revert nothing, because each names its step (seed ${seed})`, () => {
  // For 25 s a quiet process still assigns 1 % while a busy one with more failures assigns 25 %.
  const reverts = { tagged: 0, pooled: 0 };
  for (let world = 0; world < 100; world += 1) {
    const random = randomOf(6, world);
    const tagged = createGuard(defaultGuardConfig, { epoch: 1, thousandths: 1000 });
    stepGuard(tagged, { epoch: 2, thousandths: 25_000 });
    const pooled = createGuard(defaultGuardConfig, { epoch: 2, thousandths: 25_000 });
    for (let tick = 1; tick <= 100; tick += 1) {
      for (const [epoch, share, rate] of [
        [1, 0.01, 0.002],
        [2, 0.25, 0.05],
      ] as const) {
        const candidates = binomial(random, 125, share);
        const candidate = arm(candidates, binomial(random, candidates, rate));
        const control = arm(125 - candidates, binomial(random, 125 - candidates, rate));
        ingest(tagged, { epoch, candidate, control });
        ingest(pooled, { epoch: 2, candidate, control });
      }
      if (tickGuard(tagged, tick * slotMs).action === "revert" || tick === 100) {
        reverts.tagged += tagged.reverted === undefined ? 0 : 1;
      }
      tickGuard(pooled, tick * slotMs);
      if (tagged.reverted !== undefined) break;
    }
    reverts.pooled += pooled.reverted === undefined ? 0 : 1;
  }
  expect(reverts.tagged).toBe(0);
  expect(reverts.pooled).toBeGreaterThan(20);
});

test(`a candidate within its absolute limit is left alone, with and without a control arm (seed ${seed})`, () => {
  const verdicts = playMany(120, 7, (world) => ({
    ticks: 4 * minute,
    requestsPerTick: 100,
    thousandthsAt: () => [25_000, unitCount][world % 2] ?? unitCount,
    ratesAt: () => [0.045, 0.045],
  }));
  expect(revertsOf(verdicts)).toBeLessThanOrEqual(revertsAllowed(120, alphaOfRelease));
});

test(`at 100 % a candidate of twice the absolute limit is reverted by the limit (seed ${seed})`, () => {
  const verdicts = playMany(40, 8, () => ({
    ticks: 5 * minute,
    requestsPerTick: 25,
    thousandthsAt: () => unitCount,
    ratesAt: () => [0.1, 0],
  }));
  expect(verdicts.map(({ rule }) => rule)).toEqual(verdicts.map(() => "absolute"));
  const requests = verdicts.map(({ evidence }) => evidence.candidateRequests).toSorted((a, b) => a - b);
  expect(requests[20]).toBeLessThan(1000);
});

interface Users {
  units: number[];
  /** Their failure rates: 1 % of users nearly always fail. */
  rates: number[];
  /** Sums of their shares of the traffic, which is lognormal. */
  shares: number[];
}

function createUsers(random: Random, count: number): Users {
  const users: Users = { units: [], rates: [], shares: [] };
  let share = 0;
  for (let user = 0; user < count; user += 1) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    share += Math.exp(1.5 * normal);
    users.units.push(Math.floor(random() * unitCount));
    users.rates.push(random() < 0.01 ? 0.8 : 0.002);
    users.shares.push(share);
  }
  return users;
}

function pick({ shares }: Users, random: Random): number {
  const at = random() * (shares.at(-1) ?? 0);
  let [low, high] = [0, shares.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((shares[middle] ?? 0) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** One tick's outcomes as a reporter counts them: a key that failed within the last minute is not distinct. */
function countTick(users: Users, random: Random, thousandths: number, tick: number, lastFailed: Map<number, number>) {
  const arms = {
    candidate: { ok: 0, failed: 0, distinct: 0, units: [0] },
    control: { ok: 0, failed: 0, distinct: 0, units: [0] },
  };
  arms.candidate.units = [];
  arms.control.units = [];
  for (let request = 0; request < 100; request += 1) {
    const user = pick(users, random);
    const unit = users.units[user] ?? 0;
    const counts = unit < thousandths ? arms.candidate : arms.control;
    if (random() >= (users.rates[user] ?? 0)) {
      counts.ok += 1;
      continue;
    }
    // Who fails tries again at once, and fails again.
    counts.failed += 1 + Math.floor(random() * 8);
    if (tick - (lastFailed.get(user) ?? -Infinity) >= minute) counts.distinct += 1;
    lastFailed.set(user, tick);
    counts.units.push(unit);
  }
  return arms;
}

test(`users who always fail, in bursts, revert nothing, since each counts once (seed ${seed})`, () => {
  const worlds = 40;
  const reverts = { distinct: 0, raw: 0 };
  for (let world = 0; world < worlds; world += 1) {
    const random = randomOf(9, world);
    const users = createUsers(random, 5000);
    const step = { epoch: 1, thousandths: [1000, 25_000][world % 2] ?? 1000 };
    const guard = createGuard(defaultGuardConfig, step);
    const raw = createGuard({ ...defaultGuardConfig, absolute: [] }, step);
    const lastFailed = new Map<number, number>();
    for (let tick = 1; tick <= 600; tick += 1) {
      const { candidate, control } = countTick(users, random, step.thousandths, tick, lastFailed);
      const [candidates, controls] = [candidate.ok + candidate.failed, control.ok + control.failed];
      ingest(guard, {
        epoch: 1,
        candidate: arm(candidates, candidate.failed, candidate.units, candidate.distinct),
        control: arm(controls, control.failed, control.units, control.distinct),
      });
      ingest(raw, { epoch: 1, candidate: arm(candidates, candidate.failed), control: arm(controls, control.failed) });
      tickGuard(guard, tick * slotMs);
      tickGuard(raw, tick * slotMs);
    }
    reverts.distinct += guard.reverted === undefined ? 0 : 1;
    reverts.raw += raw.reverted === undefined ? 0 : 1;
  }
  expect(reverts.distinct).toBe(0);
  // Why failures are counted by key: the raw counts of the very same requests.
  expect(reverts.raw).toBeGreaterThan(worlds / 2);
});

interface Reporter {
  counts: Record<"candidate" | "control", [ok: number, failed: number]>;
  units: Record<"candidate" | "control", number[]>;
  flushMs: number;
}

/**
 * Fifty reporters that count requests one by one and flush every 250 ms, each at its own phase, and earlier after a
 * failure: 20 ms after one of either arm, or at once after one of the candidate's. Every request of both arms fails from
 * 2 s on. Gives whether the guard reverted.
 */
function playReporters(random: Random, thousandths: number, flushOn: "either arm" | "candidate"): boolean {
  const [stepMs, outageMs, endMs] = [10, 2000, 6000];
  const guard = createGuard(defaultGuardConfig, { epoch: 1, thousandths });
  const reporters: Reporter[] = Array.from({ length: 50 }, () => ({
    counts: { candidate: [0, 0], control: [0, 0] },
    units: { candidate: [], control: [] },
    flushMs: random() * 250,
  }));
  for (let nowMs = 0; nowMs < endMs; nowMs += stepMs) {
    for (let request = 0; request < 10; request += 1) {
      const reporter = reporters[Math.floor(random() * reporters.length)];
      if (reporter === undefined) throw new Error("there are reporters");
      const unit = Math.floor(random() * unitCount);
      const side = unit < thousandths ? "candidate" : "control";
      const failed = nowMs >= outageMs;
      reporter.counts[side][failed ? 1 : 0] += 1;
      if (!failed) continue;
      reporter.units[side].push(unit);
      if (flushOn === "either arm") reporter.flushMs = Math.min(reporter.flushMs, nowMs + 20);
      else if (side === "candidate") reporter.flushMs = nowMs;
    }
    for (const reporter of reporters.filter(({ flushMs }) => flushMs <= nowMs)) flush(guard, reporter, nowMs);
    if (nowMs % slotMs === 0) tickGuard(guard, nowMs);
  }
  return guard.reverted !== undefined;
}

function flush(guard: GuardState, reporter: Reporter, nowMs: number): void {
  const report = (side: "candidate" | "control"): ArmReport => {
    const [ok, failed] = reporter.counts[side];
    return arm(ok + failed, failed, reporter.units[side]);
  };
  ingest(guard, { epoch: 1, candidate: report("candidate"), control: report("control") });
  reporter.counts = { candidate: [0, 0], control: [0, 0] };
  reporter.units = { candidate: [], control: [] };
  reporter.flushMs = nowMs + 250;
}

test(`fifty reporters that flush without regard to the arm revert nothing in a shared outage (seed ${seed})`, () => {
  const worlds = Array.from({ length: 90 }, (_, world) => world);
  const blind = worlds.filter((world) => playReporters(randomOf(10, world), splitOf(world), "either arm"));
  expect(blind).toEqual([]);
  // Why the flush must not know the arm: the candidates' failures arrive before the control's of the same moment.
  const biased = worlds.filter((world) => playReporters(randomOf(10, world), 25_000, "candidate"));
  expect(biased.length).toBeGreaterThan(worlds.length / 4);
});
