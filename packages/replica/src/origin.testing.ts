import { type LoggedEvent, paths, protocolVersion } from "@sluice/core";
import {
  type ConfirmationBatch,
  confirmationBatchSchema,
  type Frame,
  type FollowQuery,
  followQuerySchema,
  type Mark,
  type OutcomeBatch,
  outcomeBatchSchema,
} from "@sluice/core/api";
import type { TestLog } from "./log.testing.ts";

/** A frame as server-sent event. */
export function encodeFrame(frame: Frame): string {
  const { type, ...data } = frame;
  const id =
    frame.type === "state" ? frame.state.sequence : frame.type === "events" ? frame.events.at(-1)?.sequence : null;
  return `event: ${type}\n${id === null ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** One follower's stream, written to by hand. */
export interface TestStream {
  readonly url: string;
  readonly query: FollowQuery;
  readonly closed: boolean;
  readonly send: (frame: Frame) => void;
  readonly write: (text: string | Uint8Array) => void;
  /** Ends the stream in good order. */
  readonly end: () => void;
  /** Breaks it. */
  readonly cut: () => void;
}

/** An instance in this process, reached through its `fetch`. */
export interface TestOrigin {
  readonly fetch: typeof globalThis.fetch;
  /** Newest last. */
  readonly streams: readonly TestStream[];
  readonly outcomes: readonly OutcomeBatch[];
  readonly confirmations: readonly ConfirmationBatch[];
  /** Names of the blobs that were asked for. */
  readonly asked: readonly string[];
  /** Every request that is not let through fails as a network does. */
  down: boolean;
  /** Blobs that are not given out yet. */
  withheld: (name: string) => boolean;
  /** Changes bytes on their way. */
  tamper: (bytes: Uint8Array) => Uint8Array;
  /** Answers a new stream; by default with hello, the events or the state, and a heartbeat. */
  greet: (stream: TestStream) => Promise<void>;
  readonly stream: () => TestStream;
  /** Sends what the log appended to every stream. */
  readonly send: (...events: readonly LoggedEvent[]) => void;
  readonly mark: (mark: Mark) => void;
  readonly heartbeat: (ageMs?: number) => void;
  /** The whole state as a frame. */
  whole: () => Promise<Extract<Frame, { type: "state" }>>;
}

/** Serves a log under any URL. It sends no heartbeat by itself but the first. `arrival` is waited for before a blob is given out. */
export function createTestOrigin({
  log,
  instance = "origin-1",
  arrival,
}: {
  log: TestLog;
  instance?: string;
  arrival?: (name: string) => Promise<void> | null;
}): TestOrigin {
  const streams: TestStream[] = [];
  const outcomes: OutcomeBatch[] = [];
  const confirmations: ConfirmationBatch[] = [];
  const asked: string[] = [];

  const follow = (url: string, search: URLSearchParams, signal: AbortSignal | null | undefined): Response => {
    const query = followQuerySchema.parse(Object.fromEntries(search));
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    let closed = false;
    const body = new ReadableStream<Uint8Array>({
      start(its) {
        controller = its;
      },
      cancel() {
        closed = true;
      },
    });
    const over = (): void => {
      if (!closed) controller?.error(new Error("aborted"));
      closed = true;
    };
    signal?.addEventListener("abort", over, { once: true });
    const stream: TestStream = {
      url,
      query,
      get closed() {
        return closed;
      },
      send: (frame) => stream.write(encodeFrame(frame)),
      write(text) {
        if (!closed) controller?.enqueue(typeof text === "string" ? Buffer.from(text) : text);
      },
      end() {
        if (!closed) controller?.close();
        closed = true;
      },
      cut: over,
    };
    streams.push(stream);
    void origin.greet(stream);
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };

  const serve = async (input: string | URL | Request, init: RequestInit | undefined): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.pathname === paths.follow) return follow(url.origin, url.searchParams, init?.signal);
    const body = typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : null;
    if (url.pathname === paths.outcomes) outcomes.push(outcomeBatchSchema.parse(body));
    else if (url.pathname === paths.confirmations) confirmations.push(confirmationBatchSchema.parse(body));
    else {
      const name = url.pathname.split("/").at(-1) ?? "";
      asked.push(name);
      await arrival?.(name);
      if (origin.withheld(name) || !log.blobs.has(name)) return new Response(null, { status: 404 });
      return new Response(Buffer.from(origin.tamper(await log.blobs.read(name))));
    }
    return new Response(null, { status: 202 });
  };

  const origin: TestOrigin = {
    streams,
    outcomes,
    confirmations,
    asked,
    down: false,
    withheld: () => false,
    tamper: (bytes) => bytes,
    async fetch(input, init) {
      await Promise.resolve();
      if (origin.down) throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
      return serve(input, init);
    },
    async greet(stream) {
      stream.send({ type: "hello", protocol: protocolVersion, log: log.id, instance });
      const { from } = stream.query;
      if (stream.query.log !== log.id) stream.send(await origin.whole());
      else if (from < log.events.length) stream.send({ type: "events", events: log.events.slice(from) });
      stream.send({ type: "heartbeat", sequence: log.state().sequence, ageMs: 0 });
    },
    stream() {
      const stream = streams.at(-1);
      if (stream === undefined) throw new Error("nobody follows");
      return stream;
    },
    send(...events) {
      for (const stream of streams) stream.send({ type: "events", events });
    },
    mark(mark) {
      for (const stream of streams) stream.send({ type: "mark", mark });
    },
    heartbeat(ageMs = 0) {
      for (const stream of streams) stream.send({ type: "heartbeat", sequence: log.state().sequence, ageMs });
    },
    whole: async () => ({ type: "state", state: log.state(), lines: await log.contents(), marks: [] }),
  };
  return origin;
}
