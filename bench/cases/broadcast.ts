import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { listening } from "../processes/listening.ts";
import { serveCase } from "../processes/serve-case.ts";

/** The least that telling everybody can cost, with one row that is synced or without: one event, encoded before, written to each open response. */
export interface BroadcastSteps {
  /** Listens and gives the URL: GET opens a stream; POST /durable adds a row, writes the event to every stream and is then answered; POST /alone adds no row. */
  listen(input: { readonly directory: string }): Promise<string>;
  /** What is written to each stream, and the row. */
  encode(input: { readonly event: string; readonly row: string }): void;
}

let event = Buffer.alloc(0);
let row = "";

const steps: BroadcastSteps = {
  async listen({ directory }) {
    const append = openLog(join(directory, "log.sqlite"));
    const streams = new Set<ServerResponse>();
    const server = createServer((incoming, outgoing) => {
      if (incoming.method === "GET") {
        outgoing.writeHead(200, { "content-type": "text/event-stream" });
        outgoing.write("event: hello\ndata: {}\n\n");
        streams.add(outgoing);
        return;
      }
      incoming.resume();
      incoming.on("end", () => {
        if (incoming.url === "/durable") append(row);
        for (const stream of streams) stream.write(event);
        outgoing.end("{}");
      });
    });
    server.requestTimeout = 0;
    return `http://127.0.0.1:${await listening(server)}`;
  },
  encode(given) {
    event = Buffer.from(given.event);
    row = given.row;
  },
};

/** Set up as the embedded store sets up its log. */
function openLog(file: string): (json: string) => void {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE events (sequence INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
  `);
  const insert = database.prepare("INSERT INTO events (json) VALUES (?)");
  return (json) => void insert.run(json);
}

serveCase({ ...steps });
