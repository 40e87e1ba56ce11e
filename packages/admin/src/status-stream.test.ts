import { createVirtualClock, type VirtualClock } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import { expect, test } from "vitest";
import { type Admin, createAdmin } from "./admin.ts";

const statusAt = (sequence: number): StatusAnswer => ({
  instance: "origin-1",
  role: "origin",
  log: "log-1",
  sequence,
  at: 1_000,
  following: null,
  datasets: [],
  followers: { total: 0, list: [] },
});
const frame = (sequence: number): string => `event: status\ndata: ${JSON.stringify(statusAt(sequence))}\n\n`;

/** A client whose stream a test feeds by hand. */
function openStream(): {
  admin: Admin;
  clock: VirtualClock;
  send: (text: string) => void;
  end: () => void;
  lose: (error: Error) => void;
} {
  const clock = createVirtualClock();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  const fetch: typeof globalThis.fetch = async (_input, init) => {
    init?.signal?.addEventListener("abort", () => controller?.error(new Error("aborted")));
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  return {
    admin: createAdmin({ url: "http://127.0.0.1:7070", fetch, clock, timeoutMs: 15_000 }),
    clock,
    send: (text) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
    lose: (error) => controller?.error(error),
  };
}

async function collect(stream: AsyncIterable<StatusAnswer>): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of stream) sequences.push(sequence);
  return sequences;
}

test("answers arrive however the stream is cut into chunks", async () => {
  const { admin, send, end } = openStream();
  const text = `${frame(1)}: a comment\n\n${frame(2)}event: other\ndata: {}\n\n${frame(3)}`;
  const [first, second] = [text.slice(0, 40), text.slice(40)];
  send(first);
  send(second);
  end();
  expect(await collect(admin.statusStream())).toEqual([1, 2, 3]);
});

test("an answer cut off by the end of the stream is not given out", async () => {
  const { admin, send, end } = openStream();
  send(frame(1));
  send(frame(2).slice(0, 50));
  end();
  expect(await collect(admin.statusStream())).toEqual([1]);
});

test("a lost connection is UNREACHABLE after what arrived", async () => {
  const { admin, send, lose } = openStream();
  const stream = admin.statusStream();
  send(frame(1));
  expect((await stream.next()).value).toMatchObject({ sequence: 1 });
  const lost = stream.next().catch((error: unknown) => error);
  lose(new Error("socket hang up"));
  expect(await lost).toMatchObject({ code: "UNREACHABLE" });
});

test("silence is a lost connection", async () => {
  const { admin, clock, send } = openStream();
  const stream = admin.statusStream();
  send(frame(1));
  await stream.next();
  const silent = stream.next().catch((error: unknown) => error);
  clock.advance(15_000);
  expect(String(await silent)).toContain("nothing heard for 15 s");
});

test("every byte puts the silence off", async () => {
  const { admin, clock, send } = openStream();
  const stream = admin.statusStream();
  send(frame(1));
  await stream.next();
  clock.advance(14_000);
  send(frame(2));
  await stream.next();
  clock.advance(14_000);
  send(frame(3));
  expect((await stream.next()).value).toMatchObject({ sequence: 3 });
});

test("an aborted stream ends without an error", async () => {
  const { admin, send } = openStream();
  const controller = new AbortController();
  const stream = admin.statusStream(controller.signal);
  send(frame(1));
  await stream.next();
  const end = stream.next();
  controller.abort();
  expect(await end).toEqual({ done: true, value: undefined });
});

test("a refusal of the stream comes with its code", async () => {
  const problem = {
    type: "urn:sluice:not-ready",
    title: "not ready",
    status: 503,
    code: "NOT_READY",
    detail: "no contact yet",
    details: {},
  };
  const fetch: typeof globalThis.fetch = async () =>
    new Response(JSON.stringify(problem), { status: 503, headers: { "content-type": "application/problem+json" } });
  const admin = createAdmin({ url: "http://127.0.0.1:7070", fetch, clock: createVirtualClock() });
  await expect(collect(admin.statusStream())).rejects.toMatchObject({ code: "NOT_READY" });
});
