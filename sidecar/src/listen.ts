import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Clock } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import type { App } from "./app.ts";

/** For how long a connection may stand still, in milliseconds: a slow upload lives as long as it moves. */
const idleMsMax = 120_000;

/** An app that listens. */
export interface Listening {
  readonly url: string;
  /** Takes no new connection and ends when the open ones have, at most `graceMs` later. */
  close(graceMs: number): Promise<void>;
}

/** Listens. Throws VALIDATION where the port is taken or the address is not ours. */
export async function listen(app: App, host: string, port: number, clock: Clock): Promise<Listening> {
  const answer = getRequestListener(app.fetch);
  const exchanges = new WeakMap<Socket, Exchange>();
  const server = createServer((incoming, outgoing) => {
    exchanges.set(incoming.socket, { incoming, outgoing });
    void answer(incoming, outgoing);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(refusal(error, host, port)));
    server.listen(port, host, resolve);
  });
  // Streams and uploads last as long as they last; a client that says nothing does not.
  server.requestTimeout = 0;
  server.timeout = idleMsMax;
  server.on("timeout", (socket) => {
    const exchange = exchanges.get(socket);
    if (exchange === undefined || !isOurTurn(exchange)) socket.destroy();
    else socket.setTimeout(idleMsMax);
  });
  server.keepAliveTimeout = 30_000;
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: (graceMs) =>
      new Promise((resolve) => {
        // An upload that nobody reads any more keeps no process alive by itself, and would end this one before it is closed.
        const end = clock.setTimer(graceMs, () => server.closeAllConnections(), { keepAlive: true });
        server.close(() => {
          end.cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** The request that a connection is at, or was at last. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** Whether the client has done its part: it waits for an answer, or for the rest of its upload to be taken. */
function isOurTurn({ incoming, outgoing }: Exchange): boolean {
  return !outgoing.writableEnded && (incoming.complete || incoming.readableLength > 0);
}

function refusal(error: NodeJS.ErrnoException, host: string, port: number): SluiceError {
  if (error.code === "EADDRINUSE") {
    return new SluiceError(
      "VALIDATION",
      `port ${port} is taken: stop what listens there or choose another with --port`,
      {
        cause: error,
      },
    );
  }
  return new SluiceError("VALIDATION", `cannot listen on ${host}:${port}: ${error.message}`, { cause: error });
}
