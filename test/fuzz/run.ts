import { Worker } from "node:worker_threads";

/** What one worker is to do. */
export interface Job {
  /** URL of the module with the targets, and the name under which it exports what makes them. */
  readonly module: string;
  readonly exported: string;
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** The input to take in the place of those that are drawn; null draws. */
  readonly input: Uint8Array | null;
  /** Index of the input that is being taken, and how many were begun. */
  readonly progress: Int32Array;
}

/** What a worker tells. */
export type WorkerMessage =
  | { readonly kind: "failed"; readonly index: number; readonly reason: string }
  | { readonly kind: "ended" };

/** An input that a decoder did not answer as it has to. */
export interface FuzzFailure {
  readonly target: string;
  readonly index: number;
  readonly reason: string;
}

/** What a run of one target came to. */
export interface FuzzResult {
  readonly target: string;
  readonly inputs: number;
  readonly tookMs: number;
  readonly failures: readonly FuzzFailure[];
}

/** What to run. */
export interface FuzzRun {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  /** In the place of those that are drawn, once. */
  readonly input?: Uint8Array;
  /** An input that takes longer hangs. Default 10 s: the machine may have other things to do. */
  readonly hangMs?: number;
  /** Heap of the worker in MiB. Default 192. */
  readonly heapMib?: number;
  readonly failuresMax?: number;
  readonly module?: string;
  readonly exported?: string;
}

/** Runs a target in a worker that is ended where an input hangs or takes too much memory, and goes on behind that input. */
export async function runFuzz(run: FuzzRun): Promise<FuzzResult> {
  const { target, seed, inputs, input = null, failuresMax = 5 } = run;
  const { module = new URL("targets.ts", import.meta.url).href, exported = "createTargets" } = run;
  const failures: FuzzFailure[] = [];
  const start = performance.now();
  let next = 0;
  while (next < inputs && failures.length < failuresMax) {
    const progress = new Int32Array(new SharedArrayBuffer(8));
    const job: Job = { module, exported, target, seed, from: next, to: inputs, input, progress };
    const failure = await runJob(job, run.hangMs ?? 10_000, run.heapMib ?? 192);
    if (failure === null) next = inputs;
    else {
      failures.push(failure);
      next = failure.index + 1;
    }
  }
  return { target, inputs: next, tookMs: performance.now() - start, failures };
}

async function runJob(job: Job, hangMs: number, heapMib: number): Promise<FuzzFailure | null> {
  const { target, progress } = job;
  const worker = new Worker(new URL("worker.ts", import.meta.url), {
    workerData: job,
    execArgv: ["--conditions=sluice-source"],
    resourceLimits: { maxOldGenerationSizeMb: heapMib },
  });
  let failure: FuzzFailure | null = null;
  const fail = (reason: string, index = Atomics.load(progress, 0)): void => {
    failure ??= { target, index, reason };
  };
  worker.on("message", (message: WorkerMessage) => {
    if (message.kind === "failed") fail(message.reason, message.index);
  });
  worker.on("error", (error) => {
    if (Atomics.load(progress, 1) === 0) fail(`it did not start: ${String(error)}`, job.from);
    else fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  });
  const watching = watch(progress, hangMs, () => {
    fail(`it hangs: no answer in ${hangMs} ms`);
    void worker.terminate();
  });
  await new Promise<void>((resolve) => void worker.once("exit", () => resolve()));
  clearInterval(watching);
  return failure;
}

/** Calls back when the count of inputs that were begun stands still for so long; not before the first. */
function watch(progress: Int32Array, hangMs: number, onHang: () => void): NodeJS.Timeout {
  let seen = 0;
  let sinceMs = performance.now();
  return setInterval(
    () => {
      const begun = Atomics.load(progress, 1);
      if (begun !== seen) {
        seen = begun;
        sinceMs = performance.now();
      } else if (begun > 0 && performance.now() - sinceMs > hangMs) onHang();
    },
    Math.min(250, hangMs / 4),
  );
}
