import type { Admin } from "@sluice/admin";
import { isSluiceError, type SluiceError, sleep } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import type { Context } from "./context.ts";

/** What a followed status says: how it is, or that the connection was lost and is tried again. */
export type Sight =
  | { readonly kind: "status"; readonly status: StatusAnswer }
  | { readonly kind: "lost"; readonly error: SluiceError | undefined };

/** The pause before a lost connection is tried again, in milliseconds. */
const retryMs = 1_000;

/**
 * The status now and after each change, for as long as the signal is not aborted, over as many connections as it takes.
 * Only the first connection's failure is thrown: a wrong URL is not worth waiting for.
 */
export async function* followStatus(context: Context, admin: Admin, signal: AbortSignal): AsyncGenerator<Sight> {
  let heardOnce = false;
  while (!signal.aborted) {
    let last = "";
    let error: SluiceError | undefined;
    try {
      for await (const status of admin.statusStream(signal)) {
        // An instance repeats itself to keep the connection alive; only its clock has moved then.
        const said = JSON.stringify({ ...status, at: 0 });
        if (said === last) continue;
        last = said;
        heardOnce = true;
        yield { kind: "status", status };
      }
    } catch (failure) {
      if (!heardOnce || !isSluiceError(failure, "UNREACHABLE", "NOT_READY", "TIMEOUT")) throw failure;
      error = failure;
    }
    if (signal.aborted) return;
    yield { kind: "lost", error };
    await sleep(context.clock, retryMs, { signal, keepAlive: true });
  }
}
