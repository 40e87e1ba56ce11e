import { buildPart, type Clock, type Content, type LoggedEvent, paths, protocolVersion } from "@sluice/core";
import type { ConfirmationBatch, Frame, LineContents, OutcomeBatch } from "@sluice/core/api";
import type { ReadableVersion } from "@sluice/replica";
import { createMemoryReplica, type MemoryReplica } from "./memory-replica.ts";

/** An instance that followers can follow, without a socket: it speaks the protocol, and knows nothing of stores. */
export interface TestOrigin {
  /** What happens here, the followers hear. */
  readonly namespace: MemoryReplica;
  readonly fetch: typeof globalThis.fetch;
  readonly outcomes: readonly OutcomeBatch[];
  readonly confirmations: readonly ConfirmationBatch[];
  /** Streams that are open. */
  streams(): number;
  /** Sends every follower a heartbeat that says when the log's owner was heard. */
  beat(ageMs?: number): void;
  /** Ends every stream, and answers nobody while `down`. */
  setDown(down: boolean): void;
}

/** Makes an instance with an empty namespace. */
export function createTestOrigin({ clock }: { clock: Clock }): TestOrigin {
  const blobs = new Map<string, Uint8Array>();
  /** Every version as one part, so that nothing is special about those that were patched. */
  const contentOf = (version: ReadableVersion): Content => {
    const { name, bytes, contentHash } = buildPart(
      Array.from(version.entries(), ([key, canonical]) => ({ key, canonical })),
    );
    blobs.set(name, bytes);
    const { items } = version;
    const parts = [{ name, bytes: bytes.byteLength, items, contentHash }];
    return { base: { parts, layers: [] }, overlay: null, contentHash, items };
  };
  const namespace = createMemoryReplica({ clock, contentOf });
  const events: LoggedEvent[] = [];
  const outcomes: OutcomeBatch[] = [];
  const confirmations: ConfirmationBatch[] = [];
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const encoder = new TextEncoder();
  let isDown = false;

  const send = (stream: ReadableStreamDefaultController<Uint8Array>, { type, ...data }: Frame): void =>
    stream.enqueue(encoder.encode(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`));
  const sendAll = (frame: Frame): void => {
    for (const stream of streams) send(stream, frame);
  };
  namespace.subscribe(({ events: next, marks }) => {
    for (const mark of marks) sendAll({ type: "mark", mark });
    if (next === null || next.length === 0) return;
    events.push(...next);
    sendAll({ type: "events", events: next });
  });

  const stateFrame = (): Frame => {
    const { state, datasets } = namespace.snapshot();
    const lines: Record<string, LineContents> = {};
    for (const [name, { stable, candidate }] of datasets) {
      lines[name] = {
        stable: stable === null ? null : contentOf(stable),
        candidate: candidate === null ? null : contentOf(candidate),
      };
    }
    return { type: "state", state, lines, marks: [] };
  };

  const follow = (query: URLSearchParams, signal: AbortSignal | undefined): Response => {
    const from = Number(query.get("from"));
    const isKnown = query.get("log") === "memory" && from <= events.length;
    const first = isKnown ? null : stateFrame();
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        send(stream, { type: "hello", protocol: protocolVersion, log: "memory", instance: "test" });
        if (first !== null) send(stream, first);
        else if (from < events.length) send(stream, { type: "events", events: events.slice(from) });
        send(stream, { type: "heartbeat", sequence: events.length, ageMs: 0 });
        streams.add(stream);
        signal?.addEventListener("abort", () => {
          if (streams.delete(stream)) stream.error(signal.reason);
        });
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };

  return {
    namespace,
    outcomes,
    confirmations,
    streams: () => streams.size,
    async fetch(input, init) {
      if (isDown) throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
      const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input);
      if (pathname === paths.follow) return follow(searchParams, init?.signal ?? undefined);
      const body = typeof init?.body === "string" ? init.body : "";
      if (pathname === paths.outcomes) outcomes.push(JSON.parse(body) as OutcomeBatch);
      else if (pathname === paths.confirmations) confirmations.push(JSON.parse(body) as ConfirmationBatch);
      else {
        const blob = blobs.get(pathname.slice(pathname.lastIndexOf("/") + 1));
        return blob === undefined ? new Response(null, { status: 404 }) : new Response(Buffer.from(blob));
      }
      return new Response(null, { status: 202 });
    },
    beat: (ageMs = 0) => sendAll({ type: "heartbeat", sequence: events.length, ageMs }),
    setDown(down) {
      isDown = down;
      if (!down) return;
      for (const stream of streams) stream.error(new Error("the connection was lost"));
      streams.clear();
    },
  };
}
