import type { Clock } from "@sluice/core";
import { isSluiceError, SluiceError } from "@sluice/core";

/** How long each step of a request may take; a step that takes longer ends the request. */
export interface RequestLimit {
  /** Ends the request, for `fetch`. */
  readonly signal: AbortSignal;
  /** Waits for an answer. Throws TIMEOUT, CLOSED, or SOURCE_FAILED with what the network says. */
  answer(response: Promise<Response>, msMax: number, url: string): Promise<Response>;
  /** The body, each wait for a piece of it limited; time that its reader takes does not count. */
  read(body: ReadableStream<Uint8Array>, msMax: number): AsyncIterable<Uint8Array>;
}

/** Limits one request, which ends with `closing` at the latest. */
export function createRequestLimit(clock: Clock, closing: AbortSignal): RequestLimit {
  const ending = new AbortController();
  const signal = AbortSignal.any([closing, ending.signal]);

  async function within<T>(step: Promise<T>, msMax: number, what: string): Promise<T> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const end = (): void => reject(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    const timer = clock.setTimer(msMax, () =>
      ending.abort(new SluiceError("TIMEOUT", `${what} took more than ${msMax / 1000} s`)),
    );
    try {
      // Not left to the signal alone: a body that did not come from a socket does not hear it.
      return await Promise.race([step, aborted]);
    } catch (error) {
      // Whoever hears the signal first, the reason is why it ended.
      throw ending.signal.aborted ? ending.signal.reason : error;
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", end);
    }
  }

  return {
    signal,
    async answer(response, msMax, url) {
      try {
        return await within(response, msMax, `the answer of ${url}`);
      } catch (error) {
        if (isSluiceError(error)) throw error;
        throw new SluiceError("SOURCE_FAILED", `${url} cannot be reached: ${reasonOf(error)}`, { cause: error });
      }
    },
    async *read(body, msMax) {
      const reader = body.getReader();
      let ended = false;
      try {
        for (;;) {
          const piece = await within(reader.read(), msMax, "the next piece of the body");
          ended = piece.done;
          if (piece.done) return;
          yield piece.value;
        }
      } finally {
        // Whoever stops reading early wants the connection closed, and nothing more of it.
        if (!ended) reader.cancel().catch(() => undefined);
      }
    },
  };
}

/** What undici hides in the cause: `fetch failed` alone helps nobody. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
