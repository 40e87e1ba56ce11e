import type { LogLine, Sluice } from "./sluice.ts";

/** Reads the log as it grows, across deaths of the sidecar. */
export interface LogFollower {
  readonly lines: readonly LogLine[];
  /** Waits for a line, one that was read before included. Throws after `deadlineMs`, naming what did not happen. */
  waitFor(what: string, deadlineMs: number, is: (line: LogLine) => boolean): Promise<LogLine>;
  stop(): void;
}

/** How often the log is asked for, in milliseconds. Nothing is measured by it: every line carries its own time. */
const pollMs = 100;

/** Follows the log. `onLine` is called once for each line, in order. */
export function followLog(sluice: Sluice, onLine: (line: LogLine) => void): LogFollower {
  const lines: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  const stopping = new AbortController();

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      // An instance that is away is part of the story.
      const fresh = await sluice.log(lines.at(-1)?.sequence ?? 0).catch(() => []);
      for (const line of fresh) {
        lines.push(line);
        onLine(line);
        for (const tell of waiting) tell(line);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
  void follow();

  return {
    lines,
    waitFor(what, deadlineMs, is) {
      const seen = lines.find(is);
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          waiting.delete(tell);
          reject(new Error(`${what}: it did not happen within ${deadlineMs / 1_000} s`));
        }, deadlineMs);
        function tell(line: LogLine): void {
          if (!is(line)) return;
          waiting.delete(tell);
          clearTimeout(late);
          resolve(line);
        }
        waiting.add(tell);
      });
    },
    stop: () => stopping.abort(),
  };
}
