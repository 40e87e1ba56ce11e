const pollMs = 50;

/** Ends when `url` is answered with a status of 200 to 299. Throws after `deadlineMs`. */
export async function answering(url: string, deadlineMs: number): Promise<void> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const isAwake = await fetch(url, { signal: AbortSignal.timeout(deadlineMs) }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.ok;
      },
      () => false,
    );
    if (isAwake) return;
    if (Date.now() > until) throw new Error(`${url} is not answered after ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
