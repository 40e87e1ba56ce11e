import { connect } from "node:net";
import { createVirtualClock } from "@sluice/core";
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
