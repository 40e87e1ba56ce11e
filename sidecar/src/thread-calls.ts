import type { Worker } from "node:worker_threads";
import { SluiceError } from "@sluice/core";
import type { Fault } from "./store/fault.ts";

/** What a thread says of one call. */
export type ThreadResponse<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly fault: Fault };

/** A worker thread, seen from outside: what it is asked, and what it answers. */
export interface ThreadCalls<Call extends object, Answer> {
  /** Why it takes no call any more; null while it runs. */
  readonly ended: SluiceError | null;
  /**
   * What the thread answers; buffers of `transfer` are handed over, everything else is copied. Throws what the thread throws, and the
   * error of its end where that comes before the answer.
   */
  call(call: Call, transfer?: readonly ArrayBuffer[]): Promise<Answer>;
}

/** Calls a worker. `onEnd` is called once, when it has ended, and gives the error for whoever waits and whoever calls later. */
export function createThreadCalls<Call extends object, Answer>(
  worker: Worker,
  onEnd: (cause: unknown) => SluiceError,
): ThreadCalls<Call, Answer> {
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  let lastId = 0;
  let cause: unknown;
  let ended: SluiceError | null = null;

  worker.on("message", (response: ThreadResponse<Answer>) => {
    const call = waiting.get(response.id);
    waiting.delete(response.id);
    if ("fault" in response) call?.reject(errorOf(response.fault));
    else call?.resolve(response.answer);
  });
  worker.on("error", (error) => {
    cause = error;
  });
  worker.on("exit", () => {
    ended = onEnd(cause);
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  });

  return {
    get ended() {
      return ended;
    },
    call(call, transfer = []) {
      if (ended !== null) return Promise.reject(ended);
      const waiter = Promise.withResolvers<Answer>();
      waiting.set(++lastId, waiter);
      worker.postMessage({ ...call, id: lastId }, transfer);
      return waiter.promise;
    },
  };
}

/** A fault that came out of a thread, as the error that callers know. */
export function errorOf({ code, message, details }: Fault): SluiceError {
  return new SluiceError(code, message, { details });
}
