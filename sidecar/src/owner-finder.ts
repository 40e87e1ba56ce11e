import { type Clock, sleep } from "@sluice/core";
import { routes, type StatusAnswer, statusAnswerSchema } from "@sluice/core/api";

/** So many instances are asked whom they follow, one after the other. */
const hopsMax = 8;

/** An instance that has not answered by then does not, in milliseconds. */
const answerMsMax = 1_000;

/** What was found out holds for so long, in milliseconds: a script that repeats itself must not become one on the instance above. */
const keptMs = 10_000;

/** Who owns the log and takes commands, as far as it can be known from here. */
export interface FoundOwner {
  /** The last instance on the way up that is known. */
  readonly url: string;
  /** Whether it has said that it is the origin of this log. */
  readonly isSure: boolean;
}

/** Finds the instance that owns the log of a sidecar, which may follow another sidecar. */
export interface OwnerFinder {
  /** Walks up from an instance. Ends after some seconds at most; never throws. */
  find(from: string): Promise<FoundOwner>;
}

/** `log` is the one that is followed here: an address that one host uses may lead elsewhere from another. */
export function createOwnerFinder(dependencies: {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly log: () => string | null;
}): OwnerFinder {
  const { fetch, clock, log } = dependencies;
  let last: { readonly from: string; readonly atMs: number; readonly found: Promise<FoundOwner> } | undefined;

  async function statusOf(url: string): Promise<StatusAnswer | null> {
    const late = new AbortController();
    const answered = new AbortController();
    void sleep(clock, answerMsMax, { signal: answered.signal }).then(() => late.abort());
    try {
      const response = await fetch(`${url.replace(/\/$/, "")}${routes.status.path}`, { signal: late.signal });
      return statusAnswerSchema.parse(await response.json());
    } catch {
      // Whoever does not answer is not known to be anything.
      return null;
    } finally {
      answered.abort();
    }
  }

  async function walk(from: string): Promise<FoundOwner> {
    const passed = new Set<string>();
    let url = from;
    for (let hops = 0; hops < hopsMax; hops++) {
      const status = await statusOf(url);
      if (status === null || status.log !== log()) break;
      if (status.following === null) return { url, isSure: true };
      passed.add(url);
      if (passed.has(status.following.url)) break;
      url = status.following.url;
    }
    return { url, isSure: false };
  }

  return {
    find(from) {
      if (last === undefined || last.from !== from || clock.now() - last.atMs >= keptMs) {
        last = { from, atMs: clock.now(), found: walk(from) };
      }
      return last.found;
    },
  };
}
