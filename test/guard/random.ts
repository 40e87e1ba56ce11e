/** Numbers from 0 to below 1. */
export type Random = () => number;

/**
 * Chance that is a function of its names (sfc32, 128 bits of state, so that the streams of many runs do not meet). The same
 * names give the same numbers, in whatever thread and order the runs are made.
 */
export function createRandom(...names: readonly (string | number)[]): Random {
  let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162];
  for (const byte of Buffer.from(names.join("\n"))) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b + byte, 0x85ebca6b) ^ (a >>> 13);
    c = Math.imul(c ^ b, 0xc2b2ae35) + byte;
  }
  let counter = 1;
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

// The walk from zero is exact and quick while the mean is small; a larger mean is a sum of smaller ones.
const meanMax = 20;

/** How many of `trials` succeed, each with the same chance. */
export function binomial(random: Random, trials: number, chance: number): number {
  if (chance <= 0 || trials <= 0) return 0;
  if (chance >= 1) return trials;
  if (chance > 0.5) return trials - binomial(random, trials, 1 - chance);
  const together = Math.max(1, Math.floor(meanMax / chance));
  let successes = 0;
  for (let left = trials; left > 0; left -= together) successes += walk(random, Math.min(left, together), chance);
  return successes;
}

function walk(random: Random, trials: number, chance: number): number {
  const odds = chance / (1 - chance);
  let mass = Math.exp(trials * Math.log1p(-chance));
  let left = random() - mass;
  let successes = 0;
  while (left >= 0 && successes < trials) {
    successes += 1;
    mass *= (odds * (trials - successes + 1)) / successes;
    left -= mass;
  }
  return successes;
}

/** How many events of a Poisson process come where `mean` are expected. */
export function poisson(random: Random, mean: number): number {
  let events = 0;
  for (let left = mean; left > 0; left -= meanMax) {
    const part = Math.min(left, meanMax);
    let mass = Math.exp(-part);
    let rest = random() - mass;
    // Past ten times the mean there is nothing left but rounding.
    for (let count = 1; rest >= 0 && count < 10 * part + 50; count += 1) {
      mass *= part / count;
      rest -= mass;
      events += 1;
    }
  }
  return events;
}

/** The time to the next event of a Poisson process with so many events per unit of time; Infinity where there are none. */
export function exponential(random: Random, rate: number): number {
  return rate > 0 ? -Math.log(1 - random()) / rate : Infinity;
}

/** A normal number with mean 0 and deviation 1. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A number of trials up to the first success, from 1, with the given mean. */
export function geometric(random: Random, mean: number): number {
  return 1 + Math.floor(Math.log(1 - random()) / Math.log1p(-1 / mean));
}

/** Draws indices, each as often as its weight says. */
export interface Lottery {
  readonly sum: number;
  draw(random: Random): number;
}

/** A lottery over weights of at least 0. */
export function createLottery(weights: ArrayLike<number>): Lottery {
  const sums = new Float64Array(weights.length);
  let sum = 0;
  for (let index = 0; index < sums.length; index += 1) {
    sum += weights[index] ?? 0;
    sums[index] = sum;
  }
  return {
    sum,
    draw(random) {
      const at = random() * sum;
      let [low, high] = [0, sums.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((sums[middle] ?? 0) > at) high = middle;
        else low = middle + 1;
      }
      return low;
    },
  };
}
