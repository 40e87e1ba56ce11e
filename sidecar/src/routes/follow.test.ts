import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { fillPath, frameSchema, paths, problemSchema } from "@sluice/core/api";
import type { Hono } from "hono";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { createApp } from "../app.ts";
import { decodeFrames } from "../followers/sample-sink.ts";
import type { SampleWorld } from "../followers/sample-world.ts";
import { createSampleWorld, emptyReplica, foldFrames, typesOf } from "../followers/sample-world.ts";
import { createFollowRoutes, tagsOf } from "./follow.ts";

function create(limits?: { connectionsMax: number }): { app: Hono; world: SampleWorld } {
  const world = createSampleWorld(limits === undefined ? {} : { limits });
  const routes = [createFollowRoutes({ followers: world.followers })];
  return { app: createApp({ logger: pino({ level: "silent" }), routes }), world };
}

const resumed = `${fillPath(paths.follow, {})}?id=f&name=shop&kind=sdk&log=log-1&from=1`;

async function problemOf(response: Response): Promise<string> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return problemSchema.parse(await response.json()).code;
}

test("in process the stream carries frames until the caller's signal ends it", async () => {
  const { app, world } = create();
  const abort = new AbortController();
  const response = await app.request(resumed, { signal: abort.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes("heartbeat")) text += new TextDecoder().decode((await reader?.read())?.value);
  expect(typesOf(decodeFrames(text))).toEqual(["hello", "events", "heartbeat"]);
  abort.abort();
  expect(world.followers.count()).toBe(0);
  await expect(reader?.read()).rejects.toThrow("ended by its sender");
});

test("a reader that cancels the stream is no follower any more", async () => {
  const { app, world } = create();
  const response = await app.request(resumed);
  expect(world.followers.count()).toBe(1);
  await response.body?.cancel();
  expect(world.followers.count()).toBe(0);
});

test("over a socket the stream is written to the raw response", async () => {
  const { app, world } = create();
  const { message } = await overSocket(app, resumed);
  expect(message.statusCode).toBe(200);
  expect(message.headers).toMatchObject({ "content-type": "text/event-stream", "x-accel-buffering": "no" });
  let text = "";
  for await (const chunk of message.setEncoding("utf8")) {
    text += String(chunk);
    if (text.includes("heartbeat") && !text.includes("mark")) world.feed.announce({ release: "r", at: 1 });
    if (text.includes("mark") && !text.includes("bye")) await world.followers.drain();
  }
  expect(typesOf(decodeFrames(text))).toEqual(["hello", "events", "heartbeat", "mark", "bye"]);
});

test("a follower that hangs up over a socket is gone", async () => {
  const { app, world } = create();
  const { message, closed } = await overSocket(app, resumed);
  expect(world.followers.count()).toBe(1);
  message.destroy();
  await closed;
  expect(world.followers.count()).toBe(0);
});

test("a query that is not one is refused with every problem", async () => {
  const { app, world } = create();
  const response = await app.request("/v1/follow?kind=person&from=-1");
  expect(response.status).toBe(400);
  const problem = problemSchema.parse(await response.json());
  expect(problem).toMatchObject({ code: "VALIDATION", details: { total: 4 } });
  expect(world.followers.count()).toBe(0);
});

test("one follower more than the limit is answered 503 and when to try again, also over a socket", async () => {
  const { app } = create({ connectionsMax: 0 });
  const response = await app.request(resumed);
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(await problemOf(response)).toBe("NOT_READY");
  const { message } = await overSocket(app, resumed);
  expect(message.statusCode).toBe(503);
});

test("HEAD opens no stream", async () => {
  const { app, world } = create();
  const response = await app.request(resumed, { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(world.followers.count()).toBe(0);
});

test("the state as JSON is a frame, and is not sent again to who has it", async () => {
  const { app, world } = create();
  const asked = app.request(paths.state);
  await world.pass(0);
  const response = await asked;
  const frame = frameSchema.parse(await response.json());
  expect(foldFrames(emptyReplica, [frame]).state).toEqual(world.feed.state());
  const etag = response.headers.get("etag") ?? "";
  expect(etag).toBe('"log-1:2"');
  const again = await app.request(paths.state, { headers: { "if-none-match": `W/"old", ${etag}` } });
  expect(again.status).toBe(304);
  expect(await again.text()).toBe("");
  world.feed.patch("prices");
  const changed = app.request(paths.state, { headers: { "if-none-match": etag } });
  await world.pass(0);
  expect((await changed).status).toBe(200);
});

test("the state of an instance that never reached its origin is not ready", async () => {
  const { app, world } = create();
  world.feed.setLog(null);
  expect(await problemOf(await app.request(paths.state))).toBe("NOT_READY");
});

test("tags are read from a list, weak or strong", () => {
  expect(tagsOf(undefined)).toEqual([]);
  expect(tagsOf('"a:1", W/"b:2"')).toEqual(['"a:1"', '"b:2"']);
});

/** The answer over a socket, and when the server's side of it has closed. */
async function overSocket(app: Hono, path: string): Promise<{ message: IncomingMessage; closed: Promise<void> }> {
  const listener = getRequestListener(app.fetch);
  const closed = Promise.withResolvers<void>();
  const server = createServer((incoming, outgoing) => {
    outgoing.once("close", () => closed.resolve());
    void listener(incoming, outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const sent = request({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, path });
  sent.on("error", () => undefined);
  sent.end();
  const [message] = (await once(sent, "response")) as [IncomingMessage];
  return { message, closed: closed.promise };
}
