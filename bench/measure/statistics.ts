/** The value below which a share of the samples lies (nearest rank). Throws where there are none. */
export function quantile(samples: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(samples).sort();
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("a quantile needs at least one sample");
  return value;
}

/** The middle sample, or the mean of the two in the middle. Throws where there are none. */
export function median(samples: ArrayLike<number>): number {
  const sorted = Float64Array.from(samples).sort();
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new RangeError("a median needs at least one sample");
  return (low + high) / 2;
}

/** Each sample divided by the other side's of the same round. */
export function ratiosOf(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) throw new RangeError(`${ours.length} rounds against ${theirs.length}`);
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
}
