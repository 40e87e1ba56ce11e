// Loaded into every process that the demo starts (`node --import`): it ends with the one that started it, however that ended.
import cluster from "node:cluster";
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.channel !== undefined) {
  process.on("disconnect", () => process.exit(0));
  // A channel that only waits for this must not keep a process alive that is done. A worker of a cluster listens through it.
  if (!cluster.isWorker) process.channel.unref();
}
