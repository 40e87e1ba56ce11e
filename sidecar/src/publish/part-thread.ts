import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { BuiltPart, ErrorCode } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import type { PartBuilder } from "./part-builder.ts";

/** Asks the thread for a part. */
export interface PartRequest {
  readonly id: number;
  readonly records: ArrayBuffer;
}

/** What the thread answers. */
export type PartResponse =
  | { readonly id: number; readonly part: BuiltPart }
  | { readonly id: number; readonly fault: { readonly code: ErrorCode; readonly message: string } };

/** Starts the thread's file, as source or built, whichever this file is. */
export function startPartWorker(): Worker {
  return new Worker(new URL(`./part-worker${extname(import.meta.url)}`, import.meta.url), {
    // It imports a workspace package, so it resolves as this thread does; a worker refuses the flags of V8.
    execArgv: process.execArgv.filter((flag) => flag.startsWith("--conditions=")),
    name: "sluice-parts",
  });
}

interface Waiting {
  resolve(part: BuiltPart): void;
  reject(error: SluiceError): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  lastId: number;
}

/** Builds in a thread of its own, which is started by a build and ended by `rest`. Throws INTERNAL where it dies. */
export function createPartThread(startWorker: () => Worker = startPartWorker): PartBuilder {
  let thread: Thread | undefined;

  function start(): Thread {
    const started: Thread = { worker: startWorker(), waiting: new Map(), lastId: 0 };
    let cause: unknown;
    started.worker.on("message", (response: PartResponse) => {
      const call = started.waiting.get(response.id);
      started.waiting.delete(response.id);
      if ("part" in response) call?.resolve(response.part);
      else call?.reject(new SluiceError(response.fault.code, response.fault.message));
    });
    started.worker.on("error", (error) => {
      cause = error;
    });
    started.worker.on("exit", () => {
      if (thread === started) thread = undefined;
      const error = new SluiceError("INTERNAL", "the thread that builds parts ended; publish again", { cause });
      for (const call of started.waiting.values()) call.reject(error);
    });
    // Nobody waits for a thread that has nothing to do.
    started.worker.unref();
    return started;
  }

  return {
    build(records) {
      thread ??= start();
      const { worker, waiting } = thread;
      const id = ++thread.lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const owned = ownBuffer(records);
        worker.postMessage({ id, records: owned } satisfies PartRequest, [owned]);
      });
    },
    async rest() {
      const ending = thread;
      thread = undefined;
      await ending?.worker.terminate();
    },
  };
}

/** Small buffers lie in a pool that others read; only a buffer that is nobody else's may be handed over. */
function ownBuffer(records: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = records;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === byteLength) return buffer;
  return new Uint8Array(records).buffer;
}
