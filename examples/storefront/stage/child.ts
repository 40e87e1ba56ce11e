import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What every process of the demo tells the one that started it. */
export interface Listening {
  readonly type: "listening";
  readonly port: number;
}

/** Tells the process that started this one, where there is one. */
export function tellParent(message: Readonly<Record<string, unknown>> & { readonly type: string }): void {
  // A parent that is gone ends this process by itself; a message that it misses is no error.
  if (process.connected) process.send?.(message, () => undefined);
}

/** Listens on loopback, port 0 taking a free one, and tells the parent which. */
export function listen(handle: RequestListener, port: number, what: string): void {
  const server = createServer(handle);
  server.on("error", (error) => {
    console.error(`${what} cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  });
  server.listen(port, "127.0.0.1", () => {
    const address = server.address() as AddressInfo;
    console.log(`${what} listens on http://127.0.0.1:${address.port}`);
    tellParent({ type: "listening", port: address.port } satisfies Listening);
  });
  process.on("SIGTERM", () => process.exit(0));
}

/** A handler that may wait; a request that it fails at is cut off. */
export function handleWith(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): RequestListener {
  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(`${request.method} ${request.url}`, error);
      response.destroy();
    });
  };
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Reads a JSON body of at most `bytesMax`; undefined where it is longer or no JSON. */
export async function readJson(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}
