import { parentPort, workerData } from "node:worker_threads";
import { drawInput } from "./draw.ts";
import type { Job, WorkerMessage } from "./run.ts";
import type { Target } from "./target.ts";

// Takes inputs until there are no more, one fails, or whoever started it has waited long enough.
const { module, exported, target: name, seed, from, to, input, progress } = workerData as Job;
const port = parentPort;
if (port === null) throw new Error("this file is the work of a thread");

const { [exported]: create } = (await import(module)) as Record<string, () => Promise<readonly Target[]>>;
const target = (await create?.())?.find((one) => one.name === name);
if (target === undefined) throw new Error(`there is no target ${name}`);

const tell = (message: WorkerMessage): void => port.postMessage(message);

for (let index = from; index < to; index++) {
  const bytes = input ?? drawInput(target, seed, index);
  Atomics.store(progress, 0, index);
  Atomics.add(progress, 1, 1);
  const before = process.memoryUsage().arrayBuffers;
  try {
    await target.take(bytes);
    const allocated = process.memoryUsage().arrayBuffers - before;
    const allowed = target.bytesMax(bytes.length);
    if (allocated > allowed) throw new Error(`${allocated} bytes of buffers for ${bytes.length} bytes of input`);
  } catch (error) {
    tell({ kind: "failed", index, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    break;
  }
}
tell({ kind: "ended" });
port.close();
