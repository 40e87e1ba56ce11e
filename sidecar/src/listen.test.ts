import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { createVirtualClock } from "@sluice/core";
import type { Context } from "hono";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { listen } from "./listen.ts";

test("closing waits for an upload that nobody reads any more, and no longer than it was given", async () => {
  const clock = createVirtualClock();
  const app = new Hono();
  const asked = Promise.withResolvers<void>();
  app.post("/", () => {
    asked.resolve();
    // Never answered, never read.
    return new Promise<Response>(() => undefined);
  });
  const listening = await listen(app, "127.0.0.1", 0, clock);
  const socket = connect(Number(new URL(listening.url).port), "127.0.0.1");
  const lost = Promise.withResolvers<void>();
  socket.on("error", () => undefined).on("close", () => lost.resolve());
  socket.write("POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100000\r\n\r\nhalf of it");
  await asked.promise;

  const closing = listening.close(2_000);
  clock.advance(1_999);
  expect(clock.nextInMs()).toBe(1);
  clock.advance(1);
  await closing;
  await lost.promise;
  expect(clock.nextInMs()).toBeUndefined();
});

/** What Node does to a connection that stood still for its whole time, without the waiting. */
function standStill(context: Context): void {
  (context.env as { incoming: IncomingMessage }).incoming.socket.emit("timeout");
}

test("a connection that waits for this process is not one that stands still: a publish may be compared for as long as it takes", async () => {
  const app = new Hono();
  app.post("/compared", async (context) => {
    await context.req.text();
    standStill(context);
    return context.text("done");
  });
  app.post("/queued", async (context) => {
    // A chunk has come, and its turn has not.
    const { incoming } = context.env as { incoming: IncomingMessage };
    if (incoming.readableLength === 0) await once(incoming, "readable");
    standStill(context);
    return context.text(String((await context.req.text()).length));
  });
  const listening = await listen(app, "127.0.0.1", 0, createVirtualClock());
  const ask = async (path: string): Promise<string> =>
    (await fetch(`${listening.url}${path}`, { method: "POST", body: "x".repeat(200_000) })).text();
  expect(await ask("/compared")).toBe("done");
  expect(await ask("/queued")).toBe("200000");
  await listening.close(0);
});

test("a client that stands still in the middle of its request is let go of", async () => {
  const app = new Hono();
  app.post("/", async (context) => {
    const reader = context.req.raw.body?.getReader();
    await reader?.read();
    standStill(context);
    return context.text(String((await reader?.read())?.done));
  });
  const listening = await listen(app, "127.0.0.1", 0, createVirtualClock());
  const socket = connect(Number(new URL(listening.url).port), "127.0.0.1").on("error", () => undefined);
  socket.write("POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100000\r\n\r\nhalf of it");
  await once(socket, "close");
  expect(socket.bytesRead).toBe(0);
  await listening.close(0);
});
