import { type Clock, fillPath, isSluiceError, paths, SluiceError, type Timer } from "@sluice/core";
import { orAborted, readChunks } from "./abortable.ts";
import { backoffMs } from "./backoff.ts";
import type { Blobs } from "./blobs.ts";
import { silenceMs } from "./connection.ts";
import type { NeededBlob } from "./shelf.ts";

/** How many blobs are fetched at a time. */
const fetchesMax = 4;

/** What came of the fetches so far. */
export interface FetchCounts {
  readonly stored: number;
  /** Blobs whose bytes did not have their name. */
  readonly wrong: number;
  /** Other attempts that came to nothing. */
  readonly failed: number;
}

/** Fetches the blobs that are wanted and keeps them. */
export interface BlobFetcher {
  /** What is wanted now, in order; what is not wanted any more is given up. */
  want(blobs: readonly NeededBlob[]): void;
  /** Where to fetch from; whoever failed at another instance is tried at once. */
  from(url: string): void;
  counts(): FetchCounts;
  close(): void;
}

interface Fetching {
  readonly blob: NeededBlob;
  failures: number;
  controller: AbortController | null;
  retry: Timer | null;
}

/** Fetches nothing at first. `onStored` is called for each blob that has come to be kept. */
export function createBlobFetcher(dependencies: {
  readonly blobs: Blobs;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onStored: (name: string) => void;
}): BlobFetcher {
  const { blobs, fetch, clock, random, onStored } = dependencies;
  let wanted = new Map<string, Fetching>();
  let url: string | null = null;
  const counts = { stored: 0, wrong: 0, failed: 0 };

  const pump = (): void => {
    let running = [...wanted.values()].filter(({ controller }) => controller !== null).length;
    for (const fetching of wanted.values()) {
      if (url === null || running >= fetchesMax) return;
      if (fetching.controller !== null || fetching.retry !== null) continue;
      running++;
      void run(url, fetching);
    }
  };

  const run = async (from: string, fetching: Fetching): Promise<void> => {
    const controller = new AbortController();
    fetching.controller = controller;
    const { name } = fetching.blob;
    try {
      const bytes = await download(`${from}${fillPath(paths.blob, { name })}`, fetching.blob, controller);
      // Kept even where it is not wanted any more: it may be again.
      await blobs.put(name, bytes);
      counts.stored++;
      if (wanted.get(name) === fetching) wanted.delete(name);
      onStored(name);
    } catch (error) {
      if (!controller.signal.aborted || isSluiceError(error)) failedWith(fetching, error);
    } finally {
      fetching.controller = null;
      pump();
    }
  };

  const failedWith = (fetching: Fetching, error: unknown): void => {
    if (isSluiceError(error, "CORRUPT")) counts.wrong++;
    else counts.failed++;
    if (wanted.get(fetching.blob.name) !== fetching) return;
    fetching.failures++;
    fetching.retry = clock.setTimer(backoffMs(fetching.failures, random), () => {
      fetching.retry = null;
      pump();
    });
  };

  const download = async (from: string, blob: NeededBlob, controller: AbortController): Promise<Uint8Array> => {
    let silent = false;
    const arm = (): Timer =>
      clock.setTimer(silenceMs, () => {
        silent = true;
        controller.abort();
      });
    let timer = arm();
    const heard = (): void => {
      timer.cancel();
      timer = arm();
    };
    try {
      const { signal } = controller;
      return await readBlob(await orAborted(fetch(from, { signal }), signal), blob, signal, heard);
    } catch (error) {
      throw silent ? new SluiceError("TIMEOUT", `nothing came from ${from} for ${silenceMs / 1000} s`) : error;
    } finally {
      timer.cancel();
    }
  };

  const giveUp = (fetching: Fetching): void => {
    fetching.retry?.cancel();
    fetching.controller?.abort();
  };

  return {
    want(list) {
      const before = wanted;
      wanted = new Map();
      for (const blob of list) {
        wanted.set(blob.name, before.get(blob.name) ?? { blob, failures: 0, controller: null, retry: null });
        before.delete(blob.name);
      }
      for (const fetching of before.values()) giveUp(fetching);
      pump();
    },
    from(next) {
      url = next;
      for (const fetching of wanted.values()) {
        fetching.retry?.cancel();
        fetching.retry = null;
      }
      pump();
    },
    counts: () => ({ ...counts }),
    close() {
      for (const fetching of wanted.values()) giveUp(fetching);
      wanted = new Map();
      url = null;
    },
  };
}

/** The body of an answer, exactly as long as it has to be. Throws BLOB_UNKNOWN, UNREACHABLE, PROTOCOL or LIMIT_EXCEEDED. */
async function readBlob(
  response: Response,
  { name, bytes }: NeededBlob,
  signal: AbortSignal,
  heard: () => void,
): Promise<Uint8Array> {
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    const code = response.status === 404 ? "BLOB_UNKNOWN" : "UNREACHABLE";
    throw new SluiceError(code, `blob ${name} was answered with status ${response.status}`);
  }
  const whole = new Uint8Array(bytes);
  let length = 0;
  await readChunks(response.body, signal, (chunk) => {
    heard();
    if (length + chunk.byteLength > bytes) {
      throw new SluiceError("LIMIT_EXCEEDED", `blob ${name} should have ${bytes} bytes and has more`);
    }
    whole.set(chunk, length);
    length += chunk.byteLength;
  });
  signal.throwIfAborted();
  if (length === bytes) return whole;
  throw new SluiceError("PROTOCOL", `blob ${name} should have ${bytes} bytes and ended after ${length}`);
}
