import { paths, SluiceError } from "@sluice/core";
import { type StatusAnswer, statusAnswerSchema } from "@sluice/core/api";
import { createParser } from "eventsource-parser";
import { type Call, type Connection, errorOf, headersOf, parseAnswer, unreachableError } from "./connection.ts";

const call: Call = { method: "GET", path: paths.statusStream };

/**
 * The status now and after each change, over one connection: ends when the instance ends it or the signal is aborted.
 * Throws UNREACHABLE where the connection is lost or silent for the connection's `timeoutMs`; calling again is safe.
 */
export async function* streamStatus(connection: Connection, signal?: AbortSignal): AsyncGenerator<StatusAnswer> {
  const silence = watchSilence(connection, signal);
  const answers: StatusAnswer[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      // Other events, should there ever be any, are for those who know them.
      if (event === undefined || event === "status") answers.push(parseAnswer(statusAnswerSchema, call, data));
    },
  });
  try {
    const headers = headersOf(connection, { accept: "text/event-stream" });
    const response = await connection.fetch(`${connection.url}${call.path}`, { headers, signal: silence.signal });
    if (!response.ok || response.body === null) throw errorOf(connection, call, response, await response.text());
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      silence.heard();
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* answers.splice(0);
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    throw error instanceof SluiceError ? error : unreachableError(connection, call, silence.reason() ?? error);
  } finally {
    silence.end();
  }
}

/** A signal that is aborted with the caller's, or when nothing was heard for too long: a cut cable closes no socket. */
function watchSilence(
  { clock, timeoutMs }: Connection,
  outer: AbortSignal | undefined,
): { signal: AbortSignal; heard(): void; reason(): Error | undefined; end(): void } {
  const controller = new AbortController();
  let silent: Error | undefined;
  const start = (): ReturnType<typeof clock.setTimer> =>
    clock.setTimer(timeoutMs, () => {
      silent = new Error(`nothing heard for ${timeoutMs / 1000} s`);
      controller.abort();
    });
  let timer = start();
  const abort = (): void => controller.abort();
  if (outer?.aborted === true) abort();
  outer?.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    heard() {
      timer.cancel();
      timer = start();
    },
    reason: () => silent,
    end() {
      timer.cancel();
      outer?.removeEventListener("abort", abort);
      controller.abort();
    },
  };
}
