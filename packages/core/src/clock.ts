/** A timer that was set on a clock. */
export interface Timer {
  /** Takes the timer back; nothing happens where it has fired already. */
  cancel(): void;
}

/** Time as an argument: everything that waits or measures takes one of these. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start, for durations and leases; never steps back. */
  now(): number;
  /** Milliseconds since the Unix epoch, for what people read; may jump. */
  wall(): number;
  /**
   * Calls `fire` once after `delayMs`.
   * A timer keeps the process alive only where `keepAlive` is true (default false).
   */
  setTimer(delayMs: number, fire: () => void, options?: { keepAlive?: boolean }): Timer;
}

/** Waits on a clock. Ends early, without an error, where the signal is aborted. */
export function sleep(
  clock: Clock,
  delayMs: number,
  options: { signal?: AbortSignal; keepAlive?: boolean } = {},
): Promise<void> {
  const { signal } = options;
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.setTimer(delayMs, done, { keepAlive: options.keepAlive ?? false });
    signal?.addEventListener("abort", done, { once: true });
  });
}
