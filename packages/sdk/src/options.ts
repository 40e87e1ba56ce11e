import { SluiceError } from "@sluice/core";

/** Limits and times that a client has where nothing else is said. */
export interface ClientDefaults {
  /** Keys in the cache of each dataset. */
  readonly cacheItemsMax: number;
  /** Canonical text of the cached values of each dataset, in bytes; null has no limit. A decoded value takes several times its text. */
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

/** Whom a client follows and what it reads. */
export interface ClientSubject {
  readonly app: string;
  readonly urls: readonly string[];
  readonly names: readonly string[];
  readonly stratum?: string | undefined;
}

const appLengthMax = 100;
const stratumLengthMax = 64;

/** The given numbers, and the default ones for the rest. */
export function settingsOf(
  given: { readonly [Name in keyof ClientDefaults]?: ClientDefaults[Name] | undefined },
): ClientDefaults {
  return {
    cacheItemsMax: given.cacheItemsMax ?? clientDefaults.cacheItemsMax,
    cacheBytesMax: given.cacheBytesMax ?? clientDefaults.cacheBytesMax,
    readyTimeoutMs: given.readyTimeoutMs ?? clientDefaults.readyTimeoutMs,
    viewMaxAgeMs: given.viewMaxAgeMs ?? clientDefaults.viewMaxAgeMs,
    staleAfterMs: given.staleAfterMs ?? clientDefaults.staleAfterMs,
  };
}

/** Refuses options that no client can work with, all of them at once. Throws VALIDATION. */
export function checkOptions({ app, urls, names, stratum }: ClientSubject, settings: ClientDefaults): void {
  const problems = [...urls.flatMap(urlProblems), ...numberProblems(settings)];
  if (urls.length === 0) problems.push("url is that of a sidecar or an origin, like http://127.0.0.1:7070");
  if (names.length === 0) problems.push("datasets names at least one dataset");
  if (app.length < 1 || app.length > appLengthMax)
    problems.push(`app has 1 to ${appLengthMax} characters, not ${app.length}`);
  if (stratum !== undefined && (stratum.length < 1 || stratum.length > stratumLengthMax))
    problems.push(`stratum has 1 to ${stratumLengthMax} characters, not ${stratum.length}`);
  if (problems.length > 0) throw new SluiceError("VALIDATION", problems.join("; "), { details: { problems } });
}

function urlProblems(url: string): string[] {
  const isUsable = URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
  return isUsable ? [] : [`url is an http: or https: URL, not ${JSON.stringify(url)}`];
}

function numberProblems({ cacheItemsMax, cacheBytesMax, ...times }: ClientDefaults): string[] {
  const problems: string[] = [];
  if (!isCount(cacheItemsMax)) problems.push(`cacheItemsMax is a whole number from 1, not ${cacheItemsMax}`);
  if (cacheBytesMax !== null && !isCount(cacheBytesMax)) {
    problems.push(`cacheBytesMax is a whole number from 1 or null, not ${cacheBytesMax}`);
  }
  for (const [name, value] of Object.entries(times)) {
    if (!(value > 0)) problems.push(`${name} is a number of milliseconds above 0, not ${value}`);
  }
  return problems;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
