import type { MessagePort } from "node:worker_threads";
import { isSluiceError, messageOf } from "@sluice/core";
import type { Fault } from "./store/fault.ts";
import type { ThreadResponse } from "./thread-calls.ts";

/** Answers what a thread is asked, seen from inside. `buffersOf` names what of an answer is handed over and not copied. */
export function answerCalls<Answer>(
  port: MessagePort | null,
  answer: (request: never) => Promise<Answer>,
  buffersOf: (answer: Answer) => ArrayBuffer[],
): void {
  if (port === null) throw new Error("this file is a worker's");
  port.on("message", (request: { readonly id: number }) => {
    const { id } = request;
    // What comes is what the caller of this very file sends.
    answer(request as never).then(
      (given) => port.postMessage({ id, answer: given } satisfies ThreadResponse<Answer>, buffersOf(given)),
      (error: unknown) => port.postMessage({ id, fault: faultOf(error) } satisfies ThreadResponse<Answer>),
    );
  });
}

function faultOf(error: unknown): Fault {
  const message = messageOf(error);
  return isSluiceError(error)
    ? { code: error.code, message, details: error.details }
    : { code: "INTERNAL", message, details: {} };
}
