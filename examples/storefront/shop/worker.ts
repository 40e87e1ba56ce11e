import cluster from "node:cluster";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { openFlag } from "../compare/flag-data.ts";
import { tellParent } from "../stage/child.ts";
import { createShop } from "./app.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createPaymentSide } from "./payment.ts";
import { openSluice } from "./sluice-data.ts";
import { type ShopSource, withoutKinds } from "./source.ts";
import { createWindow } from "./window.ts";

/** What one process of the shop is started with. */
export interface WorkerOptions {
  readonly port: number;
  /** Where the payment side listens. */
  readonly payment: string;
  /** Where the sidecar listens. */
  readonly sluice: string;
  /** Whether the kinds of failure that only the shop knows of are told to Sluice, and not to Prometheus alone. */
  readonly kinds: boolean;
  /** Where the version flag is, in the comparison with what people have today; empty otherwise. */
  readonly flag: string;
  readonly directory: string;
}

/** Runs one process of the shop until SIGTERM. It says when it took a version back, and at what time. */
export async function runWorker({ port, payment, sluice, kinds, flag, directory }: WorkerOptions): Promise<void> {
  const worker = `w${cluster.worker?.id ?? 1}`;
  const source: ShopSource =
    flag === ""
      ? await openSluice({
          url: sluice,
          worker,
          cacheDirectory: directory,
          onReverted: ({ publish }) => tellParent({ type: "reverted", worker, publish, at: Date.now() }),
          onContact: (contact) => tellParent({ type: contact, worker, at: Date.now() }),
        })
      : await openFlag({
          url: flag,
          worker,
          onSwitched: (version) => tellParent({ type: "switched", worker, version, at: Date.now() }),
        });

  const { middleware, look, skus } = source;
  const data = kinds ? source.data : withoutKinds(source.data);
  const window = createWindow({ data, worker, release: look, skus });
  const metrics = createMetrics();
  const metricsServer = serveMetrics(metrics, worker);
  const app = createShop({ data, middleware, payment: createPaymentSide(payment), window, metrics, worker });
  // Longer than any client keeps a connection that it does not use, so that none is closed while a request is on its way.
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: { keepAliveTimeout: 75_000 } });
  server.on("error", (error) => {
    console.error(`the shop cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  });
  server.listen(port, "127.0.0.1", () => tellParent({ type: "open", worker, port }));

  process.once("SIGTERM", () => {
    server.close();
    metricsServer.close();
    source.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error("the shop could not close its data", error);
        process.exit(1);
      },
    );
  });
}

/** On a port of this process alone: on the one that the workers share, each request for the counters would meet another worker. */
function serveMetrics(metrics: Metrics, worker: string): Server {
  const server = createServer((request, response) => {
    const isThere = request.method === "GET" && request.url === "/metrics";
    response.writeHead(isThere ? 200 : 404, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(isThere ? metrics.text() : "GET /metrics is all there is\n");
  });
  server.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => {
    tellParent({ type: "metrics", worker, port: (server.address() as AddressInfo).port });
  });
  return server;
}
