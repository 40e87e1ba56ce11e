import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { Worker } from "node:worker_threads";
import { createVirtualClock } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestOrigin, type TestOrigin } from "./origin.testing.ts";

let origin: TestOrigin;
let server: Server;
let url: string;

beforeEach(async () => {
  origin = createTestOrigin({ clock: createVirtualClock() });
  origin.namespace.createDataset("prices");
  origin.namespace.publish("prices", { a: { amount: 1 } });
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const init = request.method === "POST" ? { method: "POST", body: await text(request) } : {};
  const { status, headers, body } = await origin.fetch(`${url}${request.url}`, init);
  response.writeHead(status, Object.fromEntries(headers));
  if (body === null) response.end();
  else Readable.fromWeb(body).pipe(response);
}

async function startWorker(
  user: string,
): Promise<{ messages: unknown[]; said: Promise<unknown>; ended: Promise<unknown> }> {
  const worker = new Worker(new URL("./worker.testing.ts", import.meta.url), {
    execArgv: process.execArgv,
    workerData: { url, user },
  });
  const messages: unknown[] = [];
  worker.on("message", (message) => messages.push(message));
  const ended = once(worker, "exit");
  return { messages, said: once(worker, "message"), ended };
}

test("two worker threads have a client each, hear of changes over real sockets, and end by themselves once they are closed", async () => {
  const workers = await Promise.all([startWorker("u1"), startWorker("u2")]);
  await Promise.all(workers.map(({ said }) => said));
  origin.namespace.patch("prices", { a: { amount: 2 } });
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([[0], [0]]);
  for (const { messages } of workers) expect(messages).toEqual([1, 2]);
});
