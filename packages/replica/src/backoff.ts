/** The first wait after a failure is at most this long, in milliseconds; each further one up to twice as long. */
const backoffMsMin = 100;

/** No wait is longer, in milliseconds. */
const backoffMsMax = 5_000;

/** How long to wait after so many failures in a row (from 1): anything from nothing to the bound, so that a fleet does not come back at once. */
export function backoffMs(failures: number, random: () => number): number {
  return random() * Math.min(backoffMsMax, backoffMsMin * 2 ** Math.max(0, failures - 1));
}
