import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A process that is killed and started again, under the same address and on the same directory. */
export interface Victim {
  readonly name: string;
  /** Starts it, as what `start` says at this moment. */
  start(): void;
  /** Whether it runs. */
  lives(): boolean;
  /** Ends it by its pid, without a word to it, and returns when it is gone. */
  kill(): Promise<void>;
  /** What it wrote to standard error since its last start, the end of it. */
  said(): string;
}

/** `start` gives the arguments of the next start; `onLine` gets what it writes to standard output; `onDeath` hears of an end that nobody asked for. */
export function createVictim(options: {
  readonly name: string;
  readonly start: () => readonly string[];
  readonly onLine?: (line: string) => void;
  readonly onDeath: (what: string) => void;
}): Victim {
  const { name, start, onLine = () => {}, onDeath } = options;
  let child: ChildProcess | undefined;
  let said = "";
  return {
    name,
    start() {
      const its = spawn(process.execPath, start(), {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, CI: "true" },
      });
      child = its;
      said = "";
      its.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said = `${said}${text}`.slice(-20_000);
      });
      if (its.stdout !== null) createInterface({ input: its.stdout }).on("line", onLine);
      its.once("exit", (code, signal) => {
        if (signal !== "SIGKILL") onDeath(`${name} ended by itself with ${code ?? signal}: ${said}`);
      });
    },
    lives: () => child !== undefined && child.exitCode === null && child.signalCode === null,
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
    said: () => said,
  };
}
