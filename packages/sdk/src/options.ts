import { SluiceError } from "@sluice/core";

/** Limits and times that a client has where nothing else is said. */
export interface ClientDefaults {
  /** Keys in the cache of each dataset. */
  readonly cacheItemsMax: number;
  /** Canonical text of the cached values of each dataset, in bytes; null has no limit. */
  readonly cacheBytesMax: number | null;
  /** How long a start waits for a first version of every dataset. */
  readonly readyTimeoutMs: number;
  /** How long a view may be read. */
  readonly viewMaxAgeMs: number;
  /** After how long without contact a client calls itself stale. */
  readonly staleAfterMs: number;
}

export const clientDefaults: ClientDefaults = {
  cacheItemsMax: 100_000,
  cacheBytesMax: null,
  readyTimeoutMs: 10_000,
  viewMaxAgeMs: 10_000,
  staleAfterMs: 30_000,
};

/** Refuses numbers that no client can work with, all of them at once. Throws VALIDATION. */
export function checkDefaults(settings: ClientDefaults): void {
  const { cacheItemsMax, cacheBytesMax, ...times } = settings;
  const problems: string[] = [];
  if (!isCount(cacheItemsMax)) problems.push(`cacheItemsMax is a whole number from 1, not ${cacheItemsMax}`);
  if (cacheBytesMax !== null && !isCount(cacheBytesMax)) {
    problems.push(`cacheBytesMax is a whole number from 1 or null, not ${cacheBytesMax}`);
  }
  for (const [name, value] of Object.entries(times)) {
    if (!(value > 0)) problems.push(`${name} is a number of milliseconds above 0, not ${value}`);
  }
  if (problems.length > 0) throw new SluiceError("VALIDATION", problems.join("; "), { details: { problems } });
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
