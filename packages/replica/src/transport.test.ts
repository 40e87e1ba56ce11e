import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTransport, type Transport } from "./transport.ts";
import { until } from "./turns.testing.ts";

let server: Server;
let transport: Transport;
let url = "";
const sockets = new Set<Socket>();
beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === "/silent") return;
    if (request.url === "/stream") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: hello\n\n");
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      response.setHeader(
        "x-had",
        `${request.method} ${String(request.headers["x-token"])} ${Buffer.concat(chunks).toString()}`,
      );
      response.end("done");
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => void sockets.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  transport = createTransport();
});
afterEach(async () => {
  await transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
});

test("a request goes out and its answer comes back, as with the global fetch", async () => {
  const response = await transport.fetch(`${url}/`, {
    method: "POST",
    headers: new Headers({ "x-token": "secret" }),
    body: "a body",
  });
  expect([response.status, response.headers.get("x-had"), await response.text()]).toEqual([
    200,
    "POST secret a body",
    "done",
  ]);
  expect((await transport.fetch(new URL(url))).ok).toBe(true);
});

test("a stream is read as it comes, and ends with the signal", async () => {
  const controller = new AbortController();
  const response = await transport.fetch(`${url}/stream`, { signal: controller.signal });
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(Buffer.from(first?.value ?? []).toString()).toBe("event: hello\n\n");
  controller.abort();
  await expect(reader?.read()).rejects.toMatchObject({ name: "AbortError" });
});

test("what is in flight is cut by the close, and no connection stays", async () => {
  const response = await transport.fetch(`${url}/stream`);
  const reader = response.body?.getReader();
  await reader?.read();
  const pending = transport.fetch(`${url}/silent`).catch((error: unknown) => error);
  await until(() => sockets.size === 2, "the second connection");
  await transport.close();
  expect(await pending).toBeInstanceOf(Error);
  await expect(reader?.read()).rejects.toBeInstanceOf(Error);
  await until(() => sockets.size === 0, "the end of the connections");
});

test("a port that nobody listens on is an error with its reason", async () => {
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  await expect(transport.fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
});

test("a request keeps its process alive until it is answered, an open stream keeps none", async () => {
  const script = `
    import { createTransport } from "@sluice/replica";
    const { fetch } = createTransport();
    await (await fetch(process.env.URL_OF_STREAM.replace("stream", "short"))).text();
    const hold = setTimeout(() => {}, 60_000);
    const response = await fetch(process.env.URL_OF_STREAM, { headers: { accept: "text/event-stream" } });
    const reader = response.body.getReader();
    await reader.read();
    clearTimeout(hold);
    reader.read();
    process.stdout.write("read");
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=sluice-source", "--input-type=module", "--eval", script],
    { cwd: import.meta.dirname, env: { ...process.env, URL_OF_STREAM: `${url}/stream` } },
  );
  expect(stdout).toBe("read");
}, 30_000);
