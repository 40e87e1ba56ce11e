import { once } from "node:events";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Sink } from "./sink.ts";
import { createResponseSink, createStreamSink } from "./sink.ts";

/** The other end of a sink. Nothing is read unless it is asked for. */
interface Peer {
  /** What arrives next; undefined at the end of the stream. Rejects where it breaks off. */
  read(): Promise<string | undefined>;
  leave(): void;
}

async function rest(peer: Peer, until = (_text: string): boolean => false): Promise<string> {
  let text = "";
  for (let part = await peer.read(); part !== undefined; part = await peer.read()) {
    text += part;
    if (until(text)) break;
  }
  return text;
}

/** What every sink does, whatever it writes to. A body that ends with the connection does not tell its peer whether that broke. */
function sinkContract(open: () => Promise<{ sink: Sink; peer: Peer }>, { breaksAreSeen = true } = {}): void {
  test("bytes and text arrive in the order in which they were written", async () => {
    const { sink, peer } = await open();
    sink.write(new TextEncoder().encode("one "));
    sink.write("two ");
    sink.write("三");
    sink.close();
    expect(await rest(peer)).toBe("one two 三");
  });

  test("what is written arrives before the sink is closed", async () => {
    const { sink, peer } = await open();
    sink.write("hello");
    expect(await rest(peer, (text) => text === "hello")).toBe("hello");
    sink.close();
    expect(await peer.read()).toBeUndefined();
  });

  test("a close comes behind everything that was written", async () => {
    const { sink, peer } = await open();
    const chunk = "x".repeat(1_000_000);
    for (let count = 0; count < 8; count += 1) sink.write(chunk);
    sink.close();
    expect(await rest(peer)).toHaveLength(8_000_000);
  });

  test("bytes that the peer does not take count as unsent until it does", async () => {
    const { sink, peer } = await open();
    const chunk = new Uint8Array(1_000_000).fill(120);
    let taken = true;
    // More than any socket keeps by itself.
    for (let count = 0; count < 32; count += 1) taken = sink.write(chunk);
    expect(taken).toBe(false);
    expect(sink.unsentBytes()).toBeGreaterThan(1_000_000);
    await rest(peer, (text) => text.length === 32_000_000);
    expect(sink.unsentBytes()).toBe(0);
    sink.close();
  });

  test("an abort forgets what is unsent and breaks the stream", async () => {
    const { sink, peer } = await open();
    const chunk = "x".repeat(1_000_000);
    for (let count = 0; count < 32; count += 1) sink.write(chunk);
    sink.abort();
    expect(sink.unsentBytes()).toBe(0);
    if (breaksAreSeen) await expect(rest(peer)).rejects.toThrow(/aborted|ended by its sender/);
    else expect((await rest(peer)).length).toBeLessThan(32_000_000);
  });

  test("a peer that leaves closes the sink", async () => {
    const { sink, peer } = await open();
    sink.write("hello");
    await rest(peer, (text) => text === "hello");
    const ended = new Promise<void>((resolve) => sink.onClose(resolve));
    peer.leave();
    await ended;
    expect(sink.write("more")).toBe(false);
    expect(sink.unsentBytes()).toBe(0);
  });

  test("listeners are called once however often the sink ends, and at once where it has ended", async () => {
    const { sink, peer } = await open();
    sink.write("hello");
    let calls = 0;
    sink.onClose(() => (calls += 1));
    sink.close();
    sink.close();
    await rest(peer);
    sink.abort();
    expect(calls).toBe(1);
    sink.onClose(() => (calls += 1));
    expect(calls).toBe(2);
  });

  test("a write after the end is refused", async () => {
    const { sink, peer } = await open();
    sink.write("hello");
    sink.close();
    expect(sink.write("more")).toBe(false);
    expect(await rest(peer)).toBe("hello");
  });
}

describe("a stream", () => {
  sinkContract(async () => {
    const { sink, stream } = createStreamSink();
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    return {
      sink,
      peer: {
        async read() {
          const { done, value } = await reader.read();
          return done ? undefined : decoder.decode(value, { stream: true });
        },
        leave: () => void reader.cancel(),
      },
    };
  });
});

describe("a raw response with a head by the sink", () => {
  sinkContract(openBareResponse, { breaksAreSeen: false });
});

describe("a raw response", () => {
  sinkContract(() =>
    openResponse((outgoing) => {
      // The head alone, so that the peer is there before the first write.
      outgoing.writeHead(200);
      outgoing.flushHeaders();
      return createResponseSink(outgoing, {});
    }),
  );

  test("nothing is sent before the first write, so that the request can still be refused", async () => {
    const server = createServer((_incoming, outgoing) => {
      createResponseSink(outgoing, { "content-type": "text/event-stream" });
      outgoing.writeHead(503);
      outgoing.end();
    });
    const { message } = await connect(server);
    expect(message.statusCode).toBe(503);
  });
});

async function openBareResponse(): Promise<{ sink: Sink; peer: Peer }> {
  const opened = await openResponse((outgoing) => {
    const sink = createResponseSink(outgoing, {});
    sink.write("head");
    return sink;
  });
  expect(await opened.peer.read()).toBe("head");
  return opened;
}

async function openResponse(open: (outgoing: ServerResponse) => Sink): Promise<{ sink: Sink; peer: Peer }> {
  const opened = Promise.withResolvers<Sink>();
  const server = createServer((_incoming, outgoing) => opened.resolve(open(outgoing)));
  const { sent, message } = await connect(server);
  const chunks = message.setEncoding("utf8").iterator({ destroyOnReturn: false });
  return {
    sink: await opened.promise,
    peer: {
      async read() {
        const { done, value } = await chunks.next();
        return done === true ? undefined : String(value);
      },
      leave: () => sent.destroy(),
    },
  };
}

async function connect(
  server: ReturnType<typeof createServer>,
): Promise<{ sent: ClientRequest; message: IncomingMessage }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const sent = request({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  sent.end();
  const [message] = (await once(sent, "response")) as [IncomingMessage];
  return { sent, message };
}
