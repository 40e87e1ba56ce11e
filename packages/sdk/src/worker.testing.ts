import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { createClient } from "./index.ts";

// Runs in a worker thread of worker.test.ts: reads, hears of a change, counts an outcome, and has nothing left when its client is closed.
const { url, user } = workerData as { readonly url: string; readonly user: string };
const port = parentPort;
if (port === null) throw new Error("this runs in a worker thread");
// A client keeps no thread alive, so somebody else has to.
port.on("message", () => undefined);
const say = (amount: number | undefined): void => port.postMessage(amount, []);

const client = await createClient({ url, app: "worker", datasets: { prices: z.object({ amount: z.number() }) } });
client.on("version", () => {
  const view = client.view({ targetingKey: user });
  say(view.run(() => view.get("prices", "a")?.amount));
  void client.close();
  port.close();
});
say(client.view({ targetingKey: user }).get("prices", "a")?.amount);
