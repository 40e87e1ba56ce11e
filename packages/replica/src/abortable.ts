/** Waits for a promise or for the signal, whichever comes first; some fetches that are no real ones know no signal. Throws the signal's reason. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const listening = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { signal: listening.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    listening.abort();
  }
}

/** Hands on the chunks of a body until its end or until the signal is aborted, and lets go of it whatever happens. */
export async function readChunks(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  const reader = body.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (let { done, value } = await reader.read(); !done && !signal.aborted; { done, value } = await reader.read()) {
      if (value !== undefined) onChunk(value);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
