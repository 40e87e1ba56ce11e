import {
  type Clock,
  heartbeatMs,
  isSluiceError,
  leaseMs,
  paths,
  protocolVersion,
  SluiceError,
  sleep,
  type Timer,
} from "@sluice/core";
import type { FollowQuery, Frame } from "@sluice/core/api";
import { orAborted, readChunks } from "./abortable.ts";
import { backoffMs } from "./backoff.ts";
import { createFrameReader } from "./frame-stream.ts";
import { watchStops } from "./stops.ts";

/** How a connection stands, for `status` and for the SDK's events. */
export interface Connection {
  readonly url: string | null;
  readonly phase: "idle" | "connecting" | "connected" | "waiting" | "closed";
  /** Why the last attempt or stream ended. */
  readonly error: SluiceError | null;
}

/** The instance at the other end of a stream. */
export interface Peer {
  readonly url: string;
  /** New with each start of its process. */
  readonly instance: string;
  readonly log: string;
}

/** What a connection tells its replica. All of it is called synchronously; what throws a SluiceError ends the stream. */
export interface ConnectionHandler {
  /** The query of the next attempt. */
  query(): FollowQuery;
  /** The first frame of a stream came: the instance can be asked for blobs and sent reports. */
  connected(peer: Peer): void;
  /** A frame that carries content. `bytes` is about its length. */
  frame(frame: Extract<Frame, { type: "state" | "events" | "mark" | "here" }>, bytes: number): void;
  /** A heartbeat came. */
  heartbeat(): void;
}

/** The one connection of a replica: a stream from one instance at a time. */
export interface Following {
  start(): void;
  state(): Connection;
  /** Age of the last contact with the log's owner in milliseconds, summed over hops; null where there was none. */
  contactAgeMs(): number | null;
  /** Ends the stream and connects again: after a wait where there was an error, at once where there is none. */
  reconnect(error: SluiceError | null): void;
  close(): Promise<void>;
}

/** Without a byte for so long, three heartbeats, a stream is taken for lost. */
export const silenceMs: number = 3 * heartbeatMs;

/** Marks take so much of a question at most, in characters: a URL has to fit where headers do. */
const marksCharactersMax = 8_000;

/** An instance that asks for patience is waited for no longer, in milliseconds. */
const retryAfterMsMax = 30_000;

/** How an attempt ended, and what comes after it. */
interface Ended {
  readonly error: SluiceError | null;
  /** About how long to wait; null leaves it to the backoff. */
  readonly waitMs: number | null;
  /** Whether the same instance is asked again, else the next. */
  readonly same: boolean;
}

/** Follows the instances in turn, the same one for as long as it serves. Does nothing before `start`. */
export function createFollowing(dependencies: {
  readonly urls: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly handler: ConnectionHandler;
}): Following {
  const { urls, fetch, clock, random, handler } = dependencies;
  let state: Connection = { url: null, phase: "idle", error: null };
  let contactMs: number | null = null;
  let knownLog: string | null = null;
  /** Heartbeats that may have waited in the socket while this process stood still, and since when. */
  let waited = { beganMs: 0, heartbeats: 0 };
  /** Ends the attempt that runs. */
  let end: ((ended: Ended) => void) | undefined;
  const stopWaiting = new AbortController();
  let running: Promise<void> | undefined;

  const isClosed = (): boolean => state.phase === "closed";
  const enter = (phase: Connection["phase"], change: Partial<Connection> = {}): void => {
    if (!isClosed()) state = { ...state, ...change, phase };
  };

  /** When a heartbeat that is read now was sent at the earliest, as far as this process can know. */
  const sentByMs = (): number => {
    if (waited.heartbeats === 0) return clock.now();
    waited.heartbeats -= 1;
    return waited.beganMs;
  };

  /** Takes a frame of the stream from `url`. The first says who speaks. */
  const take = (url: string, frame: Frame, bytes: number): void => {
    if (frame.type === "hello") {
      if (frame.protocol !== protocolVersion) {
        const message = `${url} speaks protocol ${frame.protocol}, this process ${protocolVersion}; run the same version of Sluice on both`;
        throw new SluiceError("PROTOCOL", message);
      }
      if (state.phase === "connected") throw new SluiceError("PROTOCOL", `${url} began twice`);
      if (frame.log !== knownLog) contactMs = null;
      knownLog = frame.log;
      enter("connected", { error: null });
      handler.connected({ url, instance: frame.instance, log: frame.log });
      return;
    }
    if (state.phase !== "connected") throw new SluiceError("PROTOCOL", `${url} did not begin with the frame hello`);
    switch (frame.type) {
      case "heartbeat":
        // Another instance may have had contact longer ago than the one before: the newest contact counts.
        contactMs = Math.max(contactMs ?? Number.NEGATIVE_INFINITY, sentByMs() - frame.ageMs);
        handler.heartbeat();
        return;
      case "bye":
        end?.({ error: null, waitMs: frame.retryMs, same: false });
        return;
      case "state":
      case "events":
      case "mark":
      case "here":
        handler.frame(frame, bytes);
        return;
    }
  };

  /** One attempt, from the request to the end of its stream. */
  const follow = async (url: string): Promise<Ended> => {
    const controller = new AbortController();
    let ended: Ended | undefined;
    // Whatever comes was sent after this question.
    waited = { beganMs: 0, heartbeats: 0 };
    stops.start();
    end = (why) => {
      ended ??= why;
      controller.abort();
    };
    const watch = watchSilence(clock, () => end?.(failed(silent(url))));
    try {
      const frames = await createFrameReader((frame, bytes) => {
        // Nothing is taken that stands behind a bye, or behind a reconnect asked for by the frame before.
        if (ended === undefined) take(url, frame, bytes);
      });
      const { signal } = controller;
      const headers = { accept: "text/event-stream", "cache-control": "no-store" };
      const asked = fetch(`${url}${paths.follow}?${searchOf(handler.query())}`, { headers, signal });
      await readChunks(await bodyOf(url, await orAborted(asked, signal)), signal, (chunk) => {
        stops.look();
        watch.heard();
        frames.push(chunk);
      });
      ended ??= failed(new SluiceError("UNREACHABLE", `${url} ended the stream`));
    } catch (error) {
      ended ??= failed(errorOf(url, error));
    } finally {
      watch.cancel();
      stops.pause();
      controller.abort();
    }
    return ended;
  };

  const stops = watchStops(clock, (beganMs, tookMs) => {
    // As many as can have been sent meanwhile, one that was late and one that was out of turn.
    waited = { beganMs, heartbeats: Math.floor(tookMs / heartbeatMs) + 2 };
  });

  const run = async (): Promise<void> => {
    let failures = 0;
    let index = 0;
    while (!isClosed()) {
      const url = urls[index % urls.length] ?? "";
      enter("connecting", { url });
      const startMs = clock.now();
      const { error, waitMs, same } = await follow(url);
      // A stream that served for as long as a lease was a good one, whatever ended it.
      failures = clock.now() - startMs >= leaseMs ? 1 : failures + 1;
      if (!same) index++;
      enter("waiting", { error });
      const delayMs =
        waitMs === null ? backoffMs(Math.ceil(failures / urls.length), random) : waitMs * (0.5 + random());
      if (!isClosed()) await sleep(clock, delayMs, { signal: stopWaiting.signal });
    }
  };

  return {
    start() {
      running ??= run();
    },
    state: () => state,
    contactAgeMs: () => (contactMs === null ? null : clock.now() - contactMs),
    reconnect(error) {
      end?.(error === null ? { error, waitMs: 0, same: true } : failed(error));
    },
    async close() {
      enter("closed");
      end?.({ error: null, waitMs: 0, same: true });
      stopWaiting.abort();
      await running;
    },
  };
}

/** The end of an attempt by an error; an instance may say for how long it is not to be asked. */
function failed(error: SluiceError): Ended {
  const { retryAfterMs } = error.details;
  return { error, waitMs: typeof retryAfterMs === "number" ? retryAfterMs : null, same: false };
}

function silent(url: string): SluiceError {
  return new SluiceError("TIMEOUT", `nothing came from ${url} for ${silenceMs / 1000} s`);
}

function errorOf(url: string, error: unknown): SluiceError {
  if (isSluiceError(error)) return error;
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  return new SluiceError("UNREACHABLE", `${url} cannot be followed: ${reason}`, { cause: error });
}

function searchOf(query: FollowQuery): string {
  const { id, name, kind, log, from, marks } = query;
  const search = new URLSearchParams({ id, name, kind, from: String(from) });
  if (log !== null) search.set("log", log);
  if (marks.length > 0) search.set("marks", presentable(marks).join(","));
  return search.toString();
}

/** As many marks as a question may hold; the others are presented with a later one. */
function presentable(marks: readonly string[]): readonly string[] {
  let characters = 0;
  const end = marks.findIndex((mark) => {
    characters += mark.length + 1;
    return characters > marksCharactersMax;
  });
  return end === -1 ? marks : marks.slice(0, end);
}

/** The body of an answer that is a stream of events. Throws UNREACHABLE with what came instead. */
async function bodyOf(url: string, response: Response): Promise<ReadableStream<Uint8Array>> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (response.status === 200 && isStream && response.body !== null) return response.body;
  await response.body?.cancel();
  const retryAfterMs = Number(response.headers.get("retry-after") ?? Number.NaN) * 1_000;
  throw new SluiceError("UNREACHABLE", `${url} answered status ${response.status} instead of a stream of events`, {
    details: {
      status: response.status,
      ...(retryAfterMs >= 0 ? { retryAfterMs: Math.min(retryAfterMs, retryAfterMsMax) } : {}),
    },
  });
}

/** Calls `onSilence` once nothing was heard for `silenceMs`. */
function watchSilence(clock: Clock, onSilence: () => void): { heard(): void; cancel(): void } {
  let heardMs = clock.now();
  // One expression for both questions: two that round differently would wait for no time again and again.
  const leftMs = (): number => heardMs + silenceMs - clock.now();
  const check = (): Timer =>
    clock.setTimer(leftMs(), () => {
      if (leftMs() <= 0) onSilence();
      else timer = check();
    });
  let timer = check();
  return {
    heard: () => {
      heardMs = clock.now();
    },
    cancel: () => timer.cancel(),
  };
}
