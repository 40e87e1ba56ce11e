import type { ServerResponse } from "node:http";

/** Where frames for one follower go. Nothing here throws: a peer that is gone is a closed sink. */
export interface Sink {
  /** Takes a chunk. False where the sink has ended, or where the peer takes less than it is given. */
  write(chunk: Uint8Array | string): boolean;
  /** Ends the stream behind what was written. */
  close(): void;
  /** Ends the stream at once; what is unsent is forgotten. */
  abort(): void;
  /** Bytes that were written and wait in this process; 0 once the sink has ended. */
  unsentBytes(): number;
  /** Calls the listener once, when nothing can be written any more, whoever ended it; at once where that is so already. */
  readonly onClose: (listener: () => void) => void;
}

/** How much a stream takes before `write` says that the peer is slow, in bytes. */
const streamBufferBytes = 65_536;

/** Listeners that are called once. */
interface Ending {
  readonly ended: boolean;
  readonly end: () => void;
  readonly onClose: Sink["onClose"];
}

function createEnding(): Ending {
  const listeners: (() => void)[] = [];
  let ended = false;
  return {
    get ended() {
      return ended;
    },
    end() {
      if (ended) return;
      ended = true;
      for (const listener of listeners.splice(0)) listener();
    },
    onClose(listener) {
      if (ended) listener();
      else listeners.push(listener);
    },
  };
}

/**
 * Writes to a raw response: a third of what a ReadableStream costs per follower and event.
 * The head, status 200 with `headers`, goes out with the first write, so that a follower can still be refused before it.
 * The body is not chunked and ends with the connection: a chunk's frame would make three writes of each.
 */
export function createResponseSink(outgoing: ServerResponse, headers: Readonly<Record<string, string>>): Sink {
  const ending = createEnding();
  /** The head went out by this sink, so that no chunk needs a frame. */
  let isBare = false;
  outgoing.once("close", ending.end);
  // A reset connection is a close; without a listener it would be an uncaught error.
  outgoing.on("error", ending.end);
  if (outgoing.destroyed) ending.end();
  return {
    write(chunk) {
      if (ending.ended) return false;
      const { socket } = outgoing;
      // Behind such a head the body is the bytes themselves; the response's own way to them is a fifth of what telling a follower costs.
      if (isBare && socket !== null) return socket.write(chunk);
      if (!outgoing.headersSent) {
        outgoing.removeHeader("transfer-encoding");
        outgoing.writeHead(200, headers);
        isBare = true;
      }
      const taken = outgoing.write(chunk);
      // Node holds it back until the end of this turn, behind the answer to the command that it comes of.
      socket?.uncork();
      return taken;
    },
    close() {
      if (ending.ended) return;
      outgoing.end();
      ending.end();
    },
    abort() {
      outgoing.destroy();
      ending.end();
    },
    unsentBytes: () => (ending.ended ? 0 : outgoing.writableLength),
    onClose: ending.onClose,
  };
}

/** Writes to a ReadableStream, for a request that has no socket: the application called in process. */
export function createStreamSink(): { readonly sink: Sink; readonly stream: ReadableStream<Uint8Array> } {
  const ending = createEnding();
  const encoder = new TextEncoder();
  // Set by `start`, which the constructor calls before it returns.
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(started) {
        controller = started;
      },
      cancel: ending.end,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: streamBufferBytes }),
  );
  const freeBytes = (): number => controller.desiredSize ?? streamBufferBytes;
  const sink: Sink = {
    write(chunk) {
      if (ending.ended) return false;
      controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      return freeBytes() > 0;
    },
    close() {
      if (ending.ended) return;
      controller.close();
      ending.end();
    },
    abort() {
      controller.error(new Error("the stream was ended by its sender"));
      ending.end();
    },
    unsentBytes: () => (ending.ended ? 0 : streamBufferBytes - freeBytes()),
    onClose: ending.onClose,
  };
  return { sink, stream };
}
