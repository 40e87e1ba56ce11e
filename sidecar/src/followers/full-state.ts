import type { Clock } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import type { Frame, Mark } from "@sluice/core/api";
import type { Feed } from "@sluice/replica";
import { encodeFrame } from "./encode.ts";

/** The whole state at one position, taken and encoded once for all who want it. */
export interface FullState {
  readonly frame: Extract<Frame, { type: "state" }>;
  /** Names log, position and marks. */
  readonly etag: string;
  /** The frame as a server-sent event. */
  encoded(): Uint8Array;
}

/** Hands out full states. */
export interface FullStates {
  /**
   * A full state not older than `reuseMs` (0: what the feed would give now). Who gets an older one folds the events since.
   * Throws NOT_READY without a log, else what the feed throws.
   */
  get(reuseMs: number): Promise<FullState>;
  /** The ETag of what the feed would give now, without taking it. Throws NOT_READY without a log. */
  etag(): string;
  /** Forgets what was taken: no events lead on from it. */
  clear(): void;
}

/**
 * What was taken is given again for so long at most, in milliseconds, though nothing has happened: a version may stand on other files
 * since, and those that it stood on are removed some minutes later.
 */
const takenMsMax = 30_000;

interface Taken {
  readonly promise: Promise<FullState>;
  readonly log: string;
  readonly at: number;
  readonly etag: string;
}

/** Takes full states of a feed. Where many ask at once they share one. */
export function createFullStates(feed: Feed, clock: Clock): FullStates {
  let last: Taken | undefined;

  const etag = (): string => etagOf(logOf(feed), feed.snapshotSequence(), feed.marks());

  async function take(log: string): Promise<FullState> {
    const { state, lines, marks } = await feed.snapshot();
    const frame = { type: "state", state, lines, marks } as const;
    let bytes: Uint8Array | undefined;
    return {
      frame,
      etag: etagOf(log, state.sequence, marks),
      encoded: () => (bytes ??= encodeFrame(frame)),
    };
  }

  return {
    etag,
    clear() {
      last = undefined;
    },
    async get(reuseMs) {
      const now = clock.now();
      const log = logOf(feed);
      const current = etag();
      const recent = last?.log === log && now - last.at < reuseMs;
      const same = last?.etag === current && now - last.at < takenMsMax;
      if (last !== undefined && (recent || same)) return last.promise;
      const taken: Taken = { promise: take(log), log, at: now, etag: current };
      last = taken;
      taken.promise.catch(() => {
        // The next one tries again.
        if (last === taken) last = undefined;
      });
      return taken.promise;
    },
  };
}

/** The log that a feed hands on. Throws NOT_READY where it has never had contact with one. */
export function logOf(feed: Feed): string {
  const log = feed.log();
  if (log === null) throw new SluiceError("NOT_READY", "this instance has not reached its origin yet; try again");
  return log;
}

/** Marks belong to the tag: they change what readers see and have no sequence number. */
function etagOf(log: string, sequence: number, marks: readonly Mark[]): string {
  const releases = marks.map(({ release }) => encodeURIComponent(release)).sort();
  return `"${[encodeURIComponent(log), sequence, ...releases].join(":")}"`;
}
