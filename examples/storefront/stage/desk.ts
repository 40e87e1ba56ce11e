import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEnding, type Ending } from "./ending.ts";
import { createProcesses, type Processes } from "./processes.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/** What a program that starts others works with. */
export interface Desk {
  /** A temporary directory, removed at a good end and kept at a bad one. */
  readonly directory: string;
  readonly processes: Processes;
  readonly timeline: Timeline;
  readonly ending: Ending;
}

/** Sets a desk up. However the program ends, its processes end first, and `lastLine` is the last that it prints. */
export function createDesk(options: {
  /** Exit code of Ctrl-C. */
  readonly interruptedCode: number;
  readonly write: (text: string) => void;
  /** For scripts; null where nothing is to be said. `why` is null at the expected end. */
  readonly lastLine: (why: string | null) => string | null;
}): Desk {
  const directory = mkdtempSync(join(tmpdir(), "sluice-storefront-"));
  const logDirectory = join(directory, "logs");
  mkdirSync(logDirectory);
  const timeline = createTimeline(Date.now(), options.write);
  const processes = createProcesses({
    logDirectory,
    onDeath: (name, reason) => ending.begin(1, `${name} ended by itself: ${reason}`),
  });
  const ending = createEnding({
    interruptedCode: options.interruptedCode,
    async tidy(code, why) {
      if (why !== null) timeline.say(code === 0 ? "quiet" : "bad", why);
      await processes.stopAll();
      if (code === 0) rmSync(directory, { recursive: true, force: true });
      else timeline.plain(`  what the processes printed is in ${logDirectory}`);
      const line = options.lastLine(why);
      if (line !== null) process.stdout.write(`${line}\n`);
    },
  });
  return { directory, processes, timeline, ending };
}
