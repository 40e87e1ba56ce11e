import { type Clock, SluiceError, type Timer } from "@sluice/core";
import { orAborted, readChunks } from "./abortable.ts";
import { silenceMs } from "./connection.ts";
import type { NeededBlob } from "./shelf.ts";

/**
 * Fetches one blob, exactly as long as it has to be; its name is for who keeps it to prove. Ends early where `controller` is aborted.
 * Throws TIMEOUT after `silenceMs` without a byte, NOT_READY where the instance says that it comes, BLOB_UNKNOWN, UNREACHABLE,
 * PROTOCOL or LIMIT_EXCEEDED.
 */
export async function downloadBlob(request: {
  readonly url: string;
  readonly blob: NeededBlob;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly controller: AbortController;
}): Promise<Uint8Array> {
  const { url, blob, fetch, clock, controller } = request;
  let silent = false;
  const arm = (): Timer =>
    clock.setTimer(silenceMs, () => {
      silent = true;
      controller.abort();
    });
  let timer = arm();
  const heard = (): void => {
    timer.cancel();
    timer = arm();
  };
  try {
    const { signal } = controller;
    const response = await orAborted(fetch(url, { signal }), signal);
    // Whoever is told that a version cannot be prepared for this sees what is missing, and where.
    if (response.status === 404) {
      await response.body?.cancel();
      throw new SluiceError("BLOB_UNKNOWN", `${url} is not there (status 404)`);
    }
    return await readBlob(response, blob, signal, heard);
  } catch (error) {
    throw silent ? new SluiceError("TIMEOUT", `nothing came from ${url} for ${silenceMs / 1000} s`) : error;
  } finally {
    timer.cancel();
  }
}

/** The body of an answer, exactly as long as it has to be. Throws NOT_READY, UNREACHABLE, PROTOCOL or LIMIT_EXCEEDED. */
async function readBlob(
  response: Response,
  { name, bytes }: NeededBlob,
  signal: AbortSignal,
  heard: () => void,
): Promise<Uint8Array> {
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    const comes = response.status === 503 && response.headers.has("retry-after");
    throw new SluiceError(
      comes ? "NOT_READY" : "UNREACHABLE",
      `blob ${name} was answered with status ${response.status}`,
    );
  }
  const whole = new Uint8Array(bytes);
  let length = 0;
  await readChunks(response.body, signal, (chunk) => {
    heard();
    if (length + chunk.byteLength > bytes) {
      throw new SluiceError("LIMIT_EXCEEDED", `blob ${name} should have ${bytes} bytes and has more`);
    }
    whole.set(chunk, length);
    length += chunk.byteLength;
  });
  signal.throwIfAborted();
  if (length === bytes) return whole;
  throw new SluiceError("PROTOCOL", `blob ${name} should have ${bytes} bytes and ended after ${length}`);
}
