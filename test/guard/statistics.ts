/** A 95 % interval; each end is wrong in at most 2.5 of 100 cases. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The exact interval of a share of which `successes` in `trials` were seen (C. J. Clopper and E. S. Pearson, "The use of confidence or
 * fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934). `tail` is the chance that an end is wrong.
 */
export function shareInterval(successes: number, trials: number, tail: number = 0.025): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const low = successes === 0 ? 0 : root((share) => 1 - tailBelow(successes - 1, trials, share) - tail);
  const high = successes === trials ? 1 : root((share) => tail - tailBelow(successes, trials, share));
  return { low, high };
}

/** P(X <= successes) of a binomial law. */
export function tailBelow(successes: number, trials: number, share: number): number {
  if (share <= 0) return 1;
  if (share >= 1) return successes >= trials ? 1 : 0;
  let logMass = trials * Math.log1p(-share);
  const logOdds = Math.log(share) - Math.log1p(-share);
  let sum = Math.exp(logMass);
  for (let count = 1; count <= successes; count += 1) {
    logMass += logOdds + Math.log((trials - count + 1) / count);
    sum += Math.exp(logMass);
  }
  return Math.min(1, sum);
}

/** Where a function that rises on 0 to 1 crosses zero. */
function root(of: (share: number) => number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (of(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The value that a share of them does not exceed; what never came is Infinity. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : 1));
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** A 95 % interval of the median by order statistics, without an assumption about the values. */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : 1));
  let below = 0;
  while (below < sorted.length / 2 && tailBelow(below, sorted.length, 0.5) <= 0.025) below += 1;
  return {
    low: sorted[Math.max(0, below - 1)] ?? Number.NaN,
    high: sorted[Math.min(sorted.length - 1, sorted.length - below)] ?? Number.NaN,
  };
}
