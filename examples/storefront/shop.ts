// The shop: two processes on one port, each with a client of its own, as shops run them.
import cluster from "node:cluster";
import { parseArgs } from "node:util";
import { runWorker } from "./shop/worker.ts";
import { tellParent } from "./stage/child.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "3000" },
    workers: { type: "string", default: "2" },
    sluice: { type: "string", default: "http://127.0.0.1:7070" },
    payment: { type: "string", default: "" },
    kinds: { type: "string", default: "yes" },
    flag: { type: "string", default: "" },
    directory: { type: "string", default: "" },
  },
});
const { payment, sluice, flag, directory } = values;

if (cluster.isPrimary) runPrimary(Number(values.workers));
else {
  const kinds = values.kinds === "yes";
  await runWorker({ port: Number(values.port), payment, sluice, kinds, flag, directory });
}

function runPrimary(workers: number): void {
  let open = 0;
  let isEnding = false;
  cluster.on("message", (_worker, message: { type: string }) => {
    tellParent(message);
    if (message.type !== "open") return;
    open += 1;
    if (open === workers) tellParent({ type: "listening", port: Number(values.port) });
  });
  cluster.on("exit", (worker, code, signal) => {
    if (isEnding) {
      if (Object.keys(cluster.workers ?? {}).length === 0) process.exit(0);
      return;
    }
    // A shop would start another; here it would hide that something went wrong.
    console.error(`worker ${worker.id} ended by itself (${signal ?? code})`);
    process.exit(1);
  });
  process.once("SIGTERM", () => {
    isEnding = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
  });
  for (let started = 0; started < workers; started++) cluster.fork();
}
