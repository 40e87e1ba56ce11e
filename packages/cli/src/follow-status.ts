import type { Admin } from "@sluice/admin";
import { isSluiceError, type SluiceError, sleep } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import type { Context } from "./context.ts";
import { cleaned } from "./text.ts";

/** What a followed status says: how it is, or that the connection was lost and is tried again, which is said once. */
export type Sight =
  | { readonly kind: "status"; readonly status: StatusAnswer }
  | { readonly kind: "lost"; readonly error: SluiceError | undefined }
  | { readonly kind: "found" };

/** The pause before a lost connection is tried again, in milliseconds. */
const retryMs = 1_000;

/**
 * The status now and after each change, for as long as the signal is not aborted, over as many connections as it takes.
 * Only the first connection's failure is thrown: a wrong URL is not worth waiting for.
 */
export async function* followStatus(context: Context, admin: Admin, signal: AbortSignal): AsyncGenerator<Sight> {
  let heardOnce = false;
  let isLost = false;
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
        if (isLost) yield { kind: "found" };
        isLost = false;
        yield { kind: "status", status };
      }
    } catch (failure) {
      if (!heardOnce || !isSluiceError(failure, "UNREACHABLE", "NOT_READY", "TIMEOUT")) throw failure;
      error = failure;
    }
    if (signal.aborted) return;
    if (!isLost) yield { kind: "lost", error };
    isLost = true;
    await sleep(context.clock, retryMs, { signal, keepAlive: true });
  }
}

/** That contact was lost, or is there again, as a line for people. */
export function contactText(sight: Exclude<Sight, { kind: "status" }>): string {
  if (sight.kind === "found") return "connected again";
  return `connection lost, trying again: ${cleaned(sight.error?.message ?? "the instance ended the stream")}`;
}
