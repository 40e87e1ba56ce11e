import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { assert, type BaseRef, type BuiltLayer, type LayerItem, type LayerRef, SluiceError } from "@sluice/core";
import { createThreadCalls, type ThreadCalls } from "../thread-calls.ts";
import type { FoldedPart } from "./files.ts";
import type { Workshop } from "./workshop.ts";

/** What the thread is asked. */
type WorkshopTask =
  | { readonly kind: "flush"; readonly items: readonly LayerItem[] }
  | { readonly kind: "merge"; readonly layers: readonly LayerRef[] }
  | { readonly kind: "fold"; readonly fold: number; readonly base: BaseRef; readonly partCount: number }
  | { readonly kind: "fold-on" | "fold-end"; readonly fold: number };

export type WorkshopRequest = WorkshopTask & { readonly id: number };

/** What it answers; `parts` is null after the last ones. */
export type WorkshopAnswer = { readonly layer: BuiltLayer } | { readonly parts: readonly FoldedPart[] | null };

/** Starts the thread's file, as source or built, whichever this file is. */
export function startWorkshopWorker(directory: string): Worker {
  return new Worker(new URL(`./workshop-worker${extname(import.meta.url)}`, import.meta.url), {
    // It imports a workspace package, so it resolves as this thread does; a worker refuses the flags of V8.
    execArgv: process.execArgv.filter((flag) => flag.startsWith("--conditions=")),
    name: "sluice-compaction",
    workerData: { directory },
  });
}

interface Thread {
  readonly worker: Worker;
  readonly calls: ThreadCalls<WorkshopTask, WorkshopAnswer>;
}

/** Builds in a thread of its own, which reads the files of a blob directory; it is started by a task and ended by `rest`. Throws INTERNAL where it dies. */
export function createWorkshopThread(
  directory: string,
  startWorker: (directory: string) => Worker = startWorkshopWorker,
): Workshop {
  let thread: Thread | undefined;
  let lastFold = 0;

  function start(): Thread {
    const worker = startWorker(directory);
    const started: Thread = {
      worker,
      calls: createThreadCalls(worker, (cause) => {
        if (thread === started) thread = undefined;
        return new SluiceError("INTERNAL", "the thread that compacts ended; it is started again", { cause });
      }),
    };
    // Nobody waits for a thread that has nothing to do.
    worker.unref();
    return started;
  }

  async function layerOf(task: WorkshopTask): Promise<BuiltLayer> {
    thread ??= start();
    const answer = await thread.calls.call(task);
    assert("layer" in answer, "a flush and a merge are answered with a layer");
    return answer.layer;
  }

  return {
    flush: (items) => layerOf({ kind: "flush", items }),
    merge: (layers) => layerOf({ kind: "merge", layers }),
    async *fold(base, partCount) {
      thread ??= start();
      const on = thread;
      const fold = ++lastFold;
      await on.calls.call({ kind: "fold", fold, base, partCount });
      try {
        for (;;) {
          const answer = await on.calls.call({ kind: "fold-on", fold });
          assert("parts" in answer, "a fold is answered with parts");
          if (answer.parts === null) return;
          yield answer.parts;
        }
      } finally {
        if (thread === on) await on.calls.call({ kind: "fold-end", fold });
      }
    },
    async rest() {
      const ending = thread;
      thread = undefined;
      await ending?.worker.terminate();
    },
  };
}
