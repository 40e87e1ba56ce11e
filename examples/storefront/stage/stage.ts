import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { followLog, type LogFollower } from "./log-follower.ts";
import { createLedgerClient, createMerchandising, type Ledger, type Merchandising } from "./neighbours.ts";
import type { DemoOptions } from "./options.ts";
import { pricePlan } from "./plan.ts";
import { argumentsOf, type Child, type Message, type Processes } from "./processes.ts";
import { createSluice, type Sluice } from "./sluice.ts";
import type { Timeline } from "./timeline.ts";
import { createWorkers, type Workers } from "./workers.ts";

/** Everything that the story needs, up and running. */
export interface Stage {
  readonly sluice: Sluice;
  readonly merchandising: Merchandising;
  readonly shoppers: Ledger;
  readonly workers: Workers;
  readonly log: LogFollower;
  /** Ends the sidecar with SIGKILL. */
  killSidecar(): Promise<void>;
  /** Starts it again over the same data and waits until it answers. */
  startSidecar(): Promise<void>;
}

/** Requests a second that the shoppers make. */
export const shoppersPace = 300;

/** How many processes the shop has. */
export const shopWorkers = 2;

/** How often the sidecar asks the merchandising system, in milliseconds. */
const sourceIntervalMs = 500;

const awakeMs = 20_000;

/** Starts every process, tells the sidecar what there is to release and how, and opens the shop. */
export async function setStage(parts: {
  readonly options: DemoOptions;
  readonly directory: string;
  readonly processes: Processes;
  readonly timeline: Timeline;
}): Promise<Stage> {
  const { options, directory, processes, timeline } = parts;
  const sluice = createSluice(`http://127.0.0.1:${options.port}`);
  const data = options.data ?? join(directory, "data");
  mkdirSync(data, { recursive: true });
  let sidecar: Child;

  async function startSidecar(): Promise<void> {
    sidecar = processes.start({
      name: "sluice",
      file: "../../packages/cli/bin/sluice.js",
      args: ["serve", "--data", data, "--port", String(options.port)],
    });
    const died = sidecar.exited.then(() => {
      throw new Error("the sidecar ended before it answered");
    });
    await Promise.race([sluice.awake(awakeMs), died]);
  }

  // What does not depend on each other starts at the same time.
  const upstream = processes.start({
    name: "upstream",
    file: "upstream.ts",
    args: argumentsOf({ seed: options.seed }),
  });
  const [upstreamPort] = await Promise.all([upstream.port, startSidecar()]);
  const merchandising = createMerchandising(upstreamPort);
  timeline.say("quiet", `the merchandising system and the sidecar are up (seed ${options.seed})`);
  const payment = processes.start({
    name: "payment",
    file: "payment.ts",
    args: argumentsOf({ upstream: merchandising.url }),
  });

  const log = followLog(sluice, (line) => timeline.log(line));
  await createDatasets(sluice, merchandising, options.guard);
  await log.waitFor("v1 of the prices is live", awakeMs, ({ event }) => isLive(event, "prices"));

  const workers = createWorkers(shopWorkers);
  const shop = processes.start({
    name: "shop",
    file: "shop.ts",
    args: argumentsOf({
      port: options.shopPort,
      workers: shopWorkers,
      sluice: sluice.url,
      payment: `http://127.0.0.1:${await payment.port}`,
      directory: join(directory, "shop"),
    }),
    onMessage: (message) => workers.hear(message),
  });
  const crowd = processes.start({
    name: "shoppers",
    file: "shoppers.ts",
    args: argumentsOf({ upstream: merchandising.url, shop: `http://127.0.0.1:${await shop.port}` }),
    onMessage: (message) => sayFault(message, timeline),
  });
  const shoppers = createLedgerClient(await crowd.port);

  return {
    sluice,
    merchandising,
    shoppers,
    workers,
    log,
    startSidecar,
    killSidecar: () => sidecar.kill(),
  };
}

async function createDatasets(sluice: Sluice, merchandising: Merchandising, guard: boolean): Promise<void> {
  await sluice.command("/v1/datasets", { name: "stock", policy: "immediate", template: "stock" });
  await sluice.publish("stock", await merchandising.file("stock.ndjson"));
  await sluice.command("/v1/datasets", { name: "prices", template: "prices", plan: pricePlan(guard) });
  await sluice.command("/v1/datasets/prices/sources", {
    id: "merchandising",
    url: `${merchandising.url}/prices.ndjson`,
    intervalMs: sourceIntervalMs,
    onNew: "release",
  });
}

function isLive({ type, dataset, live }: { type: string; dataset?: string; live?: boolean }, name: string): boolean {
  return type === "version-published" && dataset === name && live === true;
}

/** What shoppers meet, as it happens: the first of each kind. */
function sayFault(message: Message, timeline: Timeline): void {
  if (message.type !== "first-fault") return;
  const answer = message["answer"] as { sku: string; user: string; status: number; endedAt: number };
  timeline.say(
    "bad",
    `${answer.user} wants ${answer.sku}: ${String(message["fault"])} (${answer.status})`,
    answer.endedAt,
  );
}
