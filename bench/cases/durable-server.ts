import { fdatasyncSync, openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { listening } from "../processes/listening.ts";
import { serveCase } from "../processes/serve-case.ts";

/** The least that an acknowledged change can cost: one durable append behind one round trip. */
export interface DurableServerSteps {
  /** Listens and gives the URL; each body that is posted is appended to a file of the directory and synced before it is answered. */
  listen(input: { readonly directory: string }): Promise<string>;
}

const steps: DurableServerSteps = {
  async listen({ directory }) {
    const file = openSync(join(directory, "log"), "a");
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        writeSync(file, Buffer.concat(chunks));
        fdatasyncSync(file);
        outgoing.end("{}");
      });
    });
    return `http://127.0.0.1:${await listening(server)}`;
  },
};

serveCase({ ...steps });
