import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import {
  assert,
  type BaseRef,
  type BuiltLayer,
  type ErrorCode,
  type LayerItem,
  type LayerRef,
  SluiceError,
} from "@sluice/core";
import type { FoldedPart } from "./files.ts";
import type { Workshop } from "./workshop.ts";

/** What the thread is asked. */
type WorkshopTask =
  | { readonly kind: "flush"; readonly items: readonly LayerItem[] }
  | { readonly kind: "merge"; readonly layers: readonly LayerRef[] }
  | { readonly kind: "fold"; readonly base: BaseRef; readonly partCount: number }
  | { readonly kind: "fold-on" | "fold-end"; readonly fold: number };

export type WorkshopRequest = WorkshopTask & { readonly id: number };

/** What it answers; `parts` is null after the last ones. */
export type WorkshopAnswer = { readonly layer: BuiltLayer } | { readonly parts: readonly FoldedPart[] | null };

export type WorkshopResponse =
  | { readonly id: number; readonly answer: WorkshopAnswer }
  | { readonly id: number; readonly fault: { readonly code: ErrorCode; readonly message: string } };

/** Starts the thread's file, as source or built, whichever this file is. */
export function startWorkshopWorker(directory: string): Worker {
  return new Worker(new URL(`./workshop-worker${extname(import.meta.url)}`, import.meta.url), {
    // It imports a workspace package, so it resolves as this thread does; a worker refuses the flags of V8.
    execArgv: process.execArgv.filter((flag) => flag.startsWith("--conditions=")),
    name: "sluice-compaction",
    workerData: { directory },
  });
}

interface Waiting {
  resolve(answer: WorkshopAnswer): void;
  reject(error: SluiceError): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  lastId: number;
  /** Why it takes no task any more. */
  ended: SluiceError | null;
}

/** Builds in a thread of its own, which reads the files of a blob directory; it is started by a task and ended by `rest`. Throws INTERNAL where it dies. */
export function createWorkshopThread(
  directory: string,
  startWorker: (directory: string) => Worker = startWorkshopWorker,
): Workshop {
  let thread: Thread | undefined;

  function start(): Thread {
    const started: Thread = { worker: startWorker(directory), waiting: new Map(), lastId: 0, ended: null };
    let cause: unknown;
    started.worker.on("message", (response: WorkshopResponse) => {
      const call = started.waiting.get(response.id);
      started.waiting.delete(response.id);
      if ("answer" in response) call?.resolve(response.answer);
      else call?.reject(new SluiceError(response.fault.code, response.fault.message));
    });
    started.worker.on("error", (error) => {
      cause = error;
    });
    started.worker.on("exit", () => {
      if (thread === started) thread = undefined;
      const error = new SluiceError("INTERNAL", "the thread that compacts ended; it is started again", { cause });
      started.ended = error;
      for (const call of started.waiting.values()) call.reject(error);
      started.waiting.clear();
    });
    // Nobody waits for a thread that has nothing to do.
    started.worker.unref();
    return started;
  }

  function ask(on: Thread, task: WorkshopTask): { readonly id: number; readonly answer: Promise<WorkshopAnswer> } {
    const id = ++on.lastId;
    const answer = new Promise<WorkshopAnswer>((resolve, reject) => {
      if (on.ended !== null) {
        reject(on.ended);
        return;
      }
      on.waiting.set(id, { resolve, reject });
      on.worker.postMessage({ ...task, id } satisfies WorkshopRequest, []);
    });
    return { id, answer };
  }

  async function layerOf(task: WorkshopTask): Promise<BuiltLayer> {
    thread ??= start();
    const answer = await ask(thread, task).answer;
    assert("layer" in answer, "a flush and a merge are answered with a layer");
    return answer.layer;
  }

  return {
    flush: (items) => layerOf({ kind: "flush", items }),
    merge: (layers) => layerOf({ kind: "merge", layers }),
    async *fold(base, partCount) {
      thread ??= start();
      const on = thread;
      const { id: fold, answer: begun } = ask(on, { kind: "fold", base, partCount });
      await begun;
      try {
        for (;;) {
          const answer = await ask(on, { kind: "fold-on", fold }).answer;
          assert("parts" in answer, "a fold is answered with parts");
          if (answer.parts === null) return;
          yield answer.parts;
        }
      } finally {
        if (thread === on) await ask(on, { kind: "fold-end", fold }).answer;
      }
    },
    async rest() {
      const ending = thread;
      thread = undefined;
      await ending?.worker.terminate();
    },
  };
}
