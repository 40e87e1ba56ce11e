import { assert } from "@sluice/core";
import type * as Undici from "undici";

/** How connections are made. */
export interface TransportOptions {
  /** To have a connection, TLS included; default 5,000. */
  readonly connectTimeoutMs?: number;
  /** From the request to the headers of its answer; default 30,000. */
  readonly headersTimeoutMs?: number;
  /** Connections to one origin at a time; default 32. Over HTTP/1.1 each follow stream takes one for itself. */
  readonly connectionsMax?: number;
}

/** A way out to the network. */
export interface Transport {
  readonly fetch: typeof globalThis.fetch;
  /** Cuts what is in flight and closes every connection. */
  close(): Promise<void>;
}

/**
 * Makes a fetch with connections of its own. Bodies have no timeout, since a stream may be silent for long: whoever reads
 * one watches it with a clock. A request keeps the process alive until it is answered, but for one that accepts
 * `text/event-stream`: a stream that is followed for ever must not keep a process for ever.
 */
export function createTransport(options: TransportOptions = {}): Transport {
  let network: Promise<Network> | undefined;
  return {
    async fetch(input, init) {
      const { body, headers: given, ...rest } = init ?? {};
      // undici takes no Request, Headers or FormData of another make than its own.
      assert(typeof input === "string" || input instanceof URL, "a transport fetches a URL, not a Request");
      assert(!(body instanceof FormData), "a transport sends no FormData");
      network ??= load(options);
      const { undici, requests, streams } = await network;
      const headers = new Headers(given);
      return undici.fetch(input, {
        ...rest,
        ...(body === undefined ? {} : { body }),
        headers: [...headers],
        dispatcher: headers.get("accept") === "text/event-stream" ? streams : requests,
      });
    },
    async close() {
      const { requests, streams } = (await network) ?? {};
      await Promise.all([requests?.destroy(), streams?.destroy()]);
    },
  };
}

interface Network {
  readonly undici: typeof Undici;
  readonly requests: Undici.Agent;
  readonly streams: Undici.Agent;
}

/** Loading undici takes longer than opening what is on disk and reading from it, so it waits for the first request. */
async function load(options: TransportOptions): Promise<Network> {
  const undici = await import("undici");
  const connect = undici.buildConnector({ timeout: options.connectTimeoutMs ?? 5_000, allowH2: false });
  const common = {
    bodyTimeout: 0,
    headersTimeout: options.headersTimeoutMs ?? 30_000,
    connections: options.connectionsMax ?? 32,
  };
  // undici refs a socket for as long as a request is in flight.
  const connectLoosely: typeof connect = (target, callback) =>
    connect(target, (...made) => {
      // Where it failed there is no second argument at all, whatever its type says.
      if (made[0] === null) {
        const socket = made[1];
        socket.unref();
        socket.ref = () => socket;
      }
      callback(...made);
    });
  return {
    undici,
    requests: new undici.Agent({ ...common, connect }),
    streams: new undici.Agent({ ...common, connect: connectLoosely }),
  };
}
