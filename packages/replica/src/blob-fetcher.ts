import { type Clock, fillPath, isSluiceError, paths, type SluiceError, type Timer } from "@sluice/core";
import { backoffMs } from "./backoff.ts";
import { downloadBlob } from "./blob-download.ts";
import type { Blobs } from "./blobs.ts";
import type { Claims } from "./claims.ts";
import type { NeededBlob } from "./shelf.ts";

/** How many blobs are fetched at a time. */
const fetchesMax = 4;

/** A process that shares its directory leaves a blob to the others for about so many milliseconds before it fetches it itself. */
export const patienceMs = 1_000;

/** It looks so often whether another has brought it, in milliseconds, and ever more seldom where nothing comes. */
const lookMsMin = 40;
const lookMsMax = 500;

/** So many blobs are looked for at a time. */
const looksMax = 64;

/** An instance to which a blob is on its way itself is asked again after so long, in milliseconds. */
const askAgainMs = 100;

/** A blob that an instance does not have for so long is not on its way there: what names it is out of date. In milliseconds. */
export const unknownMsMax = 30_000;

/** What came of the fetches so far. */
export interface FetchCounts {
  readonly stored: number;
  /** Blobs that another process of the directory has brought. */
  readonly found: number;
  /** Blobs whose bytes did not have their name. */
  readonly wrong: number;
  /** Other attempts that came to nothing. */
  readonly failed: number;
}

/** A directory that other processes keep blobs in too. */
export interface Sharing {
  readonly claims: Pick<Claims, "take">;
  /** Whether this process is the one that fetches first. */
  readonly isFirst: () => boolean;
}

/** Fetches the blobs that are wanted and keeps them, each once for all processes that share a directory. */
export interface BlobFetcher {
  /** What is wanted now, in order; what is not wanted any more is given up. */
  want(blobs: readonly NeededBlob[]): void;
  /** Where to fetch from; whoever failed at another instance is tried at once. */
  from(url: string): void;
  /** Waits for no other process any more: this one fetches first from now on. */
  hurry(): void;
  /** Ends when a wanted blob has come, or is not wanted any more; null where it is not wanted. */
  arrival(name: string): Promise<void> | null;
  counts(): FetchCounts;
  close(): void;
}

interface Fetching {
  readonly blob: NeededBlob;
  failures: number;
  /** Since when the instance says that it has no such blob; null where it does not say so. */
  unknownSinceMs: number | null;
  controller: AbortController | null;
  retry: Timer | null;
  /** Until then it is left to other processes. */
  patientUntilMs: number;
  /** Ends when it is not wanted any more, most often because it has come. */
  readonly over: PromiseWithResolvers<void>;
}

/**
 * Fetches nothing at first. `sharing` is null where the blobs are this process's alone. `onStored` is called for each blob that has
 * come to be kept.
 */
export function createBlobFetcher(dependencies: {
  readonly blobs: Blobs;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly sharing?: Sharing | null;
  readonly onStored: (name: string) => void;
  /** Called each time that the instance has said for `unknownMsMax` that it does not have a wanted blob. */
  readonly onUnknown?: (name: string, error: SluiceError) => void;
  /** Called each time that the bytes of a wanted blob did not have its name. */
  readonly onWrong?: (name: string, error: SluiceError) => void;
}): BlobFetcher {
  const {
    blobs,
    fetch,
    clock,
    random,
    onStored,
    onUnknown = () => {},
    onWrong = () => {},
    sharing = null,
  } = dependencies;
  let wanted = new Map<string, Fetching>();
  let url: string | null = null;
  let looking: Timer | null = null;
  let lookMs = lookMsMin;
  const counts = { stored: 0, found: 0, wrong: 0, failed: 0 };

  const patientUntilMs = (isOthers: boolean): number => {
    if (sharing === null || (!isOthers && sharing.isFirst())) return clock.now();
    // Processes that lose patience together would all fetch.
    return clock.now() + patienceMs * (0.75 + random() / 2);
  };

  const pump = (): void => {
    let running = [...wanted.values()].filter(({ controller }) => controller !== null).length;
    for (const fetching of wanted.values()) {
      if (url === null || running >= fetchesMax) break;
      if (fetching.controller !== null || fetching.retry !== null || clock.now() < fetching.patientUntilMs) continue;
      running++;
      void run(url, fetching);
    }
    armLook();
  };

  const armLook = (): void => {
    if (sharing === null || looking !== null || wanted.size === 0) return;
    looking = clock.setTimer(lookMs * (0.75 + random() / 2), () => {
      looking = null;
      lookMs = Math.min(lookMs * 1.2, lookMsMax);
      look();
      pump();
    });
  };

  /** Takes what other processes have brought. */
  const look = (): void => {
    const left = [...wanted.values()].filter(({ controller }) => controller === null);
    for (const fetching of left.slice(0, looksMax)) {
      const { name } = fetching.blob;
      // One that has come may have been the last that was wanted.
      if (wanted.get(name) === fetching && blobs.has(name)) found(fetching);
    }
  };

  const found = (fetching: Fetching): void => {
    counts.found++;
    lookMs = lookMsMin;
    fetching.retry?.cancel();
    arrived(fetching);
  };

  const arrived = (fetching: Fetching): void => {
    const { name } = fetching.blob;
    if (wanted.get(name) === fetching) wanted.delete(name);
    fetching.over.resolve();
    onStored(name);
  };

  const run = async (from: string, fetching: Fetching): Promise<void> => {
    const controller = new AbortController();
    fetching.controller = controller;
    const { name } = fetching.blob;
    const bring = async (): Promise<void> => {
      const url = `${from}${fillPath(paths.blob, { name })}`;
      // Kept even where it is not wanted any more: it may be again.
      await blobs.put(name, await downloadBlob({ url, blob: fetching.blob, fetch, clock, controller }));
      counts.stored++;
      arrived(fetching);
    };
    try {
      if (sharing === null) await bring();
      else await claimed(sharing.claims, fetching, controller.signal, bring);
    } catch (error) {
      if (!controller.signal.aborted || isSluiceError(error)) failedWith(fetching, error);
    } finally {
      fetching.controller = null;
      pump();
    }
  };

  /** Brings a blob unless another process is at it or has just brought it. */
  const claimed = async (
    claims: Sharing["claims"],
    fetching: Fetching,
    signal: AbortSignal,
    bring: () => Promise<void>,
  ): Promise<void> => {
    const { name } = fetching.blob;
    const claim = claims.take(name);
    if (claim === null) {
      fetching.patientUntilMs = patientUntilMs(true);
      return;
    }
    try {
      if (blobs.has(name)) found(fetching);
      else if (!signal.aborted) await bring();
    } finally {
      claim.release();
    }
  };

  const failedWith = (fetching: Fetching, error: unknown): void => {
    // An instance that fetches the blob itself has let the question wait for it, and asks to be asked again.
    const comes = isSluiceError(error, "NOT_READY");
    if (isSluiceError(error, "CORRUPT")) counts.wrong++;
    else if (!comes) counts.failed++;
    if (wanted.get(fetching.blob.name) !== fetching) return;
    if (!comes) fetching.failures++;
    if (isSluiceError(error, "CORRUPT")) onWrong(fetching.blob.name, error);
    noteUnknown(fetching, isSluiceError(error, "BLOB_UNKNOWN") ? error : null);
    fetching.retry = clock.setTimer(comes ? askAgainMs : backoffMs(fetching.failures, random), () => {
      fetching.retry = null;
      pump();
    });
  };

  const noteUnknown = (fetching: Fetching, error: SluiceError | null): void => {
    if (error === null) fetching.unknownSinceMs = null;
    else if (fetching.unknownSinceMs === null) fetching.unknownSinceMs = clock.now();
    else if (clock.now() - fetching.unknownSinceMs >= unknownMsMax) {
      fetching.unknownSinceMs = null;
      onUnknown(fetching.blob.name, error);
    }
  };

  const fresh = (blob: NeededBlob): Fetching => ({
    blob,
    failures: 0,
    unknownSinceMs: null,
    controller: null,
    retry: null,
    patientUntilMs: patientUntilMs(false),
    over: Promise.withResolvers(),
  });

  const giveUp = (fetching: Fetching): void => {
    fetching.retry?.cancel();
    fetching.controller?.abort();
    fetching.over.resolve();
  };

  return {
    want(list) {
      const before = wanted;
      wanted = new Map();
      for (const blob of list) {
        wanted.set(blob.name, before.get(blob.name) ?? fresh(blob));
        before.delete(blob.name);
      }
      for (const fetching of before.values()) giveUp(fetching);
      lookMs = lookMsMin;
      pump();
    },
    from(next) {
      url = next;
      for (const fetching of wanted.values()) {
        fetching.retry?.cancel();
        fetching.retry = null;
        fetching.unknownSinceMs = null;
      }
      pump();
    },
    hurry() {
      for (const fetching of wanted.values()) fetching.patientUntilMs = clock.now();
      pump();
    },
    arrival: (name) => wanted.get(name)?.over.promise ?? null,
    counts: () => ({ ...counts }),
    close() {
      looking?.cancel();
      for (const fetching of wanted.values()) giveUp(fetching);
      wanted = new Map();
      url = null;
    },
  };
}
