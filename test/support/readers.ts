import cluster from "node:cluster";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { createClient } from "@sluice/sdk";

// A program with SDKs in it: in its own process, in worker threads of it, or in the workers of a cluster. Says in a line of JSON what
// each of them reads whenever that changes.

/** What the program is started with, as JSON in its first argument. */
export interface ReadersOptions {
  readonly kind: "process" | "threads" | "cluster";
  readonly count: number;
  readonly url: string;
  readonly cacheDirectory: string;
  readonly key: string;
}

const given = isMainThread ? process.argv[2] : (workerData as string);
const options = JSON.parse(given ?? "null") as ReadersOptions;

async function read({ url, cacheDirectory, key }: ReadersOptions): Promise<void> {
  const client = await createClient({ url, app: "reader", datasets: { prices: null }, cacheDirectory });
  const tell = (): void => {
    const view = client.view({});
    const line = { pid: process.pid, version: view.version("prices"), value: view.get("prices", key) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  client.on("version", tell);
  tell();
  // A client keeps no process alive.
  setInterval(() => undefined, 60_000);
}

if (!isMainThread || cluster.isWorker || options.kind === "process") await read(options);
else if (options.kind === "cluster") for (let index = 0; index < options.count; index++) cluster.fork();
else {
  for (let index = 0; index < options.count; index++) {
    const worker = new Worker(import.meta.filename, { execArgv: process.execArgv, workerData: given });
    worker.once("error", (error) => {
      throw error;
    });
  }
}
