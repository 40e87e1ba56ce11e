import { once } from "node:events";
import { createServer, request as ask } from "node:http";

/** Stands in front of an instance and counts what is asked of it. */
export interface CountingProxy {
  readonly url: string;
  /** How often each blob was asked for. */
  blobs(): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Hands on every request to `target`, a URL without a path, and its answer as it comes. */
export async function createCountingProxy(target: string): Promise<CountingProxy> {
  const counts = new Map<string, number>();
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/";
    const [, blob] = /^\/v1\/blobs\/([0-9a-f]{64})$/.exec(path) ?? [];
    if (blob !== undefined) counts.set(blob, (counts.get(blob) ?? 0) + 1);
    const { host: _host, ...headers } = incoming.headers;
    const onward = ask(`${target}${path}`, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.once("error", () => outgoing.destroy());
    });
    onward.once("error", () => outgoing.destroy());
    outgoing.once("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    blobs: () => counts,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
