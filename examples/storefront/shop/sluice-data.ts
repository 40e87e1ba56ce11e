import { type ClientEvents, createClient } from "@sluice/sdk";
import { sluiceMiddleware } from "@sluice/sdk/hono";
import { shopperOf } from "./app.ts";
import type { ShopSource } from "./source.ts";
import { schemas } from "./items.ts";

/** How long a shop that starts first waits for the sidecar, in milliseconds. */
const readyTimeoutMs = 30_000;

/** Opens the shop's data in Sluice: one client for the process, one view for each request. */
export async function openSluice(options: {
  readonly url: string;
  readonly worker: string;
  /** Keeps the last good versions for the next start, one copy for all workers. */
  readonly cacheDirectory: string;
  /** Called once new views of this process do not see a version any more that was taken back. */
  readonly onReverted: (reverted: ClientEvents["reverted"]) => void;
  readonly onContact: (contact: "connected" | "disconnected") => void;
}): Promise<ShopSource> {
  const { url, worker, cacheDirectory, onReverted, onContact } = options;
  const client = await createClient({
    url,
    app: "storefront",
    name: `storefront ${worker}`,
    datasets: schemas,
    cacheDirectory,
    readyTimeoutMs,
  });

  let release: ClientEvents["release"] | null = null;
  let reverted: { publish: number; reason: string | null; at: number } | null = null;
  client.on("release", (event) => {
    if (event.dataset === "prices") release = event;
  });
  client.on("reverted", (event) => {
    reverted = { publish: event.publish, reason: event.reason, at: Date.now() };
    onReverted(event);
  });
  client.on("connected", () => onContact("connected"));
  client.on("disconnected", () => onContact("disconnected"));

  return {
    data: client,
    middleware: sluiceMiddleware(client, { targetingKey: shopperOf, exposeHeaders: ["prices"] }),
    skus: () => Array.from(client.view().entries("prices"), ([sku]) => sku),
    look() {
      const { datasets, connection } = client.status();
      const { stable, candidate, release: id } = datasets.prices;
      const isOf = release?.release === id;
      return {
        release: id,
        stable,
        candidate,
        thousandths: isOf ? (release?.thousandths ?? null) : null,
        phase: isOf ? (release?.phase ?? null) : null,
        connected: connection.phase === "connected",
        reverted,
      };
    },
    close: () => client.close(),
  };
}
