import { expect, test } from "vitest";
import {
  binomial,
  createLottery,
  createRandom,
  exponential,
  geometric,
  normal,
  poisson,
  type Random,
} from "./random.ts";
import { createSchedule } from "./schedule.ts";

const draws = 20_000;

/** How far a law's draws are off: 1 where the mean is off by five of its deviations, or the variance by a tenth. */
function offOf(name: string, mean: number, variance: number, draw: (random: Random) => number): number {
  const random = createRandom("law", name);
  const values = Array.from({ length: draws }, () => draw(random));
  const drawn = values.reduce((sum, value) => sum + value, 0) / draws;
  const spread = values.reduce((sum, value) => sum + (value - drawn) ** 2, 0) / draws;
  return Math.max(Math.abs(drawn - mean) / (5 * Math.sqrt(variance / draws)), Math.abs(spread / variance - 1) / 0.1);
}

test.for([
  [250, 0.01],
  [250, 0.25],
  [188, 0.3],
  [62, 0.0001],
  [40, 0.9],
  [100_000, 0.002],
] as const)("of %d trials with a chance of %d as many succeed as should", ([trials, chance]) => {
  const variance = trials * chance * (1 - chance);
  expect(
    offOf(`binomial ${trials} ${chance}`, trials * chance, variance, (random) => binomial(random, trials, chance)),
  ).toBeLessThan(1);
});

test.for([0.02, 1, 19, 75])("a Poisson law of mean %d has its mean and its variance", (mean) => {
  expect(offOf(`poisson ${mean}`, mean, mean, (random) => poisson(random, mean))).toBeLessThan(1);
});

test("waiting times, tries and normal numbers have their means and variances", () => {
  expect(offOf("exponential", 4, 16, (random) => exponential(random, 0.25))).toBeLessThan(1);
  expect(offOf("geometric", 5, 20, (random) => geometric(random, 5))).toBeLessThan(1);
  expect(offOf("normal", 0, 1, normal)).toBeLessThan(1);
});

test("a trial that always or never succeeds is not left to chance", () => {
  const random = createRandom("edges");
  expect([binomial(random, 7, 1), binomial(random, 7, 0), binomial(random, 0, 0.5), poisson(random, 0)]).toEqual([
    7, 0, 0, 0,
  ]);
  expect(exponential(random, 0)).toBe(Infinity);
});

test("a lottery draws each place as often as its weight says, and never one without weight", () => {
  const random = createRandom("lottery");
  const lottery = createLottery([1, 0, 3, 6]);
  const counts = [0, 0, 0, 0];
  for (let draw = 0; draw < draws; draw += 1) counts[lottery.draw(random)]! += 1;
  expect(counts[1]).toBe(0);
  for (const [place, share] of [0.1, 0, 0.3, 0.6].entries()) {
    expect(Math.abs((counts[place] ?? 0) / draws - share)).toBeLessThan(0.02);
  }
});

test("the same names give the same numbers, other names others", () => {
  const [one, same, other] = [createRandom(1, "a", 2), createRandom(1, "a", 2), createRandom(1, "a", 3)];
  const numbers = [one, same, other].map((random) => Array.from({ length: 5 }, random));
  expect(numbers[1]).toEqual(numbers[0]);
  expect(numbers[2]).not.toEqual(numbers[0]);
});

test("a schedule knows what is due first, whatever was set in what order", () => {
  const random = createRandom("schedule");
  const due = Array.from({ length: 37 }, () => Infinity);
  const schedule = createSchedule(due.length);
  for (let step = 0; step < 500; step += 1) {
    const index = Math.floor(random() * due.length);
    due[index] = random() < 0.2 ? Infinity : random();
    schedule.set(index, due[index]);
    expect(due[schedule.earliest()]).toBe(Math.min(...due));
    expect(schedule.atMs(index)).toBe(due[index]);
  }
});
