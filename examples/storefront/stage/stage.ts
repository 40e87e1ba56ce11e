import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startInstances } from "./instances.ts";
import { followLog, type LogFollower } from "./log-follower.ts";
import {
  createLedgerClient,
  createMerchandising,
  createPaymentSide,
  type Ledger,
  type Merchandising,
  type PaymentSide,
} from "./neighbours.ts";
import type { DemoOptions } from "./options.ts";
import { argumentsOf, type Message, type Processes } from "./processes.ts";
import { type Setting, storySetting } from "./setting.ts";
import type { Sluice } from "./sluice.ts";
import type { Timeline } from "./timeline.ts";
import { createWorkers, type Workers } from "./workers.ts";

/** Everything that a scenario needs, up and running. */
export interface Stage {
  /** The instance that owns the log. */
  readonly sluice: Sluice;
  /** The one that the shop follows: the same, or a sidecar of its own. */
  readonly followed: Sluice;
  readonly merchandising: Merchandising;
  readonly payment: PaymentSide;
  readonly shoppers: Ledger;
  readonly workers: Workers;
  readonly log: LogFollower;
  /** Where the token for alerts is; null where none is wanted. */
  readonly alertsTokenFile: string | null;
  /** Ends the owner of the log with SIGKILL. */
  killOrigin(): Promise<void>;
  /** Starts it again over the same data and waits until it answers. */
  startOrigin(): Promise<void>;
}

/** Requests a second that the shoppers make. */
export const shoppersPace = 300;

/** How many processes the shop has. */
export const shopWorkers = 2;

/** How often the sidecar asks the merchandising system, in milliseconds. */
const sourceIntervalMs = 500;

const liveMs = 20_000;

/** Starts every process, tells the sidecar what there is to release and how, and opens the shop. Without a setting: the story's. */
export async function setStage(parts: {
  readonly options: DemoOptions;
  readonly directory: string;
  readonly processes: Processes;
  readonly timeline: Timeline;
  readonly setting?: Setting;
}): Promise<Stage> {
  const { options, directory, processes, timeline } = parts;
  const setting = parts.setting ?? storySetting(options.guard);

  const alertsTokenFile = setting.alertsWantToken ? join(directory, "alerts-token") : null;
  if (alertsTokenFile !== null) writeFileSync(alertsTokenFile, `${randomUUID()}\n`, { mode: 0o600 });

  // What does not depend on each other starts at the same time.
  const upstream = processes.start({
    name: "upstream",
    file: "upstream.ts",
    args: argumentsOf({ seed: options.seed }),
  });
  const [upstreamPort, instances] = await Promise.all([
    upstream.port,
    startInstances({
      processes,
      data: options.data ?? join(directory, "data"),
      port: options.port,
      directory,
      hasSidecar: setting.hasSidecar,
      alertsTokenFile,
    }),
  ]);
  const { origin: sluice, followed } = instances;
  const merchandising = createMerchandising(upstreamPort);
  timeline.say("quiet", `the merchandising system and the sidecar are up (seed ${options.seed})`);
  const paymentProcess = processes.start({
    name: "payment",
    file: "payment.ts",
    args: argumentsOf({ upstream: merchandising.url, lenient: setting.lenientPayment ? "yes" : "no" }),
  });

  const log = followLog(sluice, (line) => timeline.log(line));
  await createDatasets(sluice, merchandising, setting);
  await log.waitFor("v1 of the prices is live", liveMs, ({ event }) => isLive(event, "prices"));

  const workers = createWorkers(shopWorkers);
  const payment = createPaymentSide(await paymentProcess.port);
  const shop = processes.start({
    name: "shop",
    file: "shop.ts",
    args: argumentsOf({
      port: options.shopPort,
      workers: shopWorkers,
      sluice: followed.url,
      payment: payment.url,
      kinds: setting.kindsTold ? "yes" : "no",
      directory: join(directory, "shop"),
    }),
    onMessage: (message) => workers.hear(message),
  });
  const crowd = processes.start({
    name: "shoppers",
    file: "shoppers.ts",
    args: argumentsOf({
      upstream: merchandising.url,
      shop: `http://127.0.0.1:${await shop.port}`,
      files: setting.files.join(","),
      patience: setting.patienceMs ?? "",
    }),
    onMessage: (message) => sayFault(message, timeline),
  });
  const shoppers = createLedgerClient(await crowd.port);

  return {
    sluice,
    followed,
    merchandising,
    payment,
    shoppers,
    workers,
    log,
    alertsTokenFile,
    startOrigin: () => instances.startOrigin(),
    killOrigin: () => instances.killOrigin(),
  };
}

async function createDatasets(sluice: Sluice, merchandising: Merchandising, setting: Setting): Promise<void> {
  const { plan, checks, onNew } = setting;
  await sluice.command("/v1/datasets", { name: "stock", policy: "immediate", template: "stock" });
  await sluice.publish("stock", await merchandising.file("stock.ndjson"));
  await sluice.command("/v1/datasets", { name: "prices", template: "prices", plan, checks });
  await sluice.command("/v1/datasets/prices/sources", {
    id: "merchandising",
    url: `${merchandising.url}/prices.ndjson`,
    intervalMs: sourceIntervalMs,
    onNew,
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
