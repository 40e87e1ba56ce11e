import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { serveCase } from "../processes/serve-case.ts";

/** The least that telling everybody can cost: one event, encoded before, written to each open response. */
export interface PlainBroadcastSteps {
  /** Listens and gives the URL: GET opens a stream, POST writes its body to all of them and is then answered. */
  listen(input: null): Promise<string>;
}

const steps: PlainBroadcastSteps = {
  async listen() {
    const streams = new Set<ServerResponse>();
    const server = createServer((incoming, outgoing) => {
      if (incoming.method === "GET") {
        outgoing.writeHead(200, { "content-type": "text/event-stream" });
        outgoing.write("event: hello\n\n");
        streams.add(outgoing);
        return;
      }
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const event = Buffer.concat(chunks);
        for (const stream of streams) stream.write(event);
        outgoing.end("{}");
      });
    });
    server.requestTimeout = 0;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a server without a port");
    return `http://127.0.0.1:${address.port}`;
  },
};

serveCase({ ...steps });
