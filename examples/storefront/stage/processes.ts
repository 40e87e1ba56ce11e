import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a child says over its channel. */
export interface Message {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** A process that the demo started. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** The port that it says it listens on. Rejects where it ends before. */
  readonly port: Promise<number>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Ends it: SIGTERM, and SIGKILL where that takes too long. */
  stop(): Promise<void>;
  /** Ends it at once, in the middle of whatever it does. */
  kill(): Promise<void>;
}

/** What to start. */
export interface ChildSpec {
  readonly name: string;
  /** A file under the demo's folder. */
  readonly file: string;
  readonly args: readonly string[];
  readonly onMessage?: (message: Message) => void;
}

/** Every process of the demo. */
export interface Processes {
  start(spec: ChildSpec): Child;
  /** Ends all of them, those that depend on others first. */
  stopAll(): Promise<void>;
}

const folder = fileURLToPath(new URL("..", import.meta.url));
const leash = new URL("./leash.ts", import.meta.url).href;

/** How long a process may take to end by itself, in milliseconds. */
const graceMs = 4_000;

/** Makes the demo's processes; what they print goes to files in `logDirectory`. `onDeath` is told of one that nobody ended. */
export function createProcesses(options: {
  readonly logDirectory: string;
  readonly onDeath: (name: string, reason: string) => void;
}): Processes {
  const { logDirectory, onDeath } = options;
  const running: { readonly child: Child; readonly process: ChildProcess }[] = [];

  function start({ name, file, args, onMessage }: ChildSpec): Child {
    const log = join(logDirectory, `${name}.log`);
    const output = createWriteStream(log, { flags: "a" });
    let isWanted = true;
    const process_ = spawn(process.execPath, [...process.execArgv, "--import", leash, join(folder, file), ...args], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A group of its own: Ctrl-C reaches the demo alone, which ends the others in their order.
      detached: true,
    });
    process_.stdout?.pipe(output, { end: false });
    process_.stderr?.pipe(output, { end: false });

    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      process_.once("error", (error) => {
        output.write(`${error.message}\n`);
        resolve({ code: null, signal: null });
      });
      process_.once("exit", (code, signal) => resolve({ code, signal }));
    });
    const port = new Promise<number>((resolve, reject) => {
      process_.on("message", (message: Message) => {
        if (message.type === "listening") resolve(Number(message["port"]));
        onMessage?.(message);
      });
      void exited.finally(() => reject(new Error(`${name} ended before it listened:\n${tail(log)}`)));
    });
    // Who waits for the port hears of it; who does not is told by `onDeath`.
    port.catch(() => undefined);
    void watch();

    async function watch(): Promise<void> {
      const { code, signal } = await exited;
      output.end();
      const index = running.findIndex((each) => each.process === process_);
      if (index >= 0) running.splice(index, 1);
      if (isWanted) onDeath(name, `${signal ?? `exit code ${code}`}\n${tail(log)}`);
    }

    async function end(signal: NodeJS.Signals): Promise<void> {
      isWanted = false;
      process_.kill(signal);
      const late = setTimeout(() => process_.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(late);
    }

    const child: Child = {
      name,
      pid: process_.pid ?? 0,
      port,
      exited,
      stop: () => end("SIGTERM"),
      kill: () => end("SIGKILL"),
    };
    running.push({ child, process: process_ });
    return child;
  }

  return {
    start,
    async stopAll() {
      for (const { child } of running.toReversed()) await child.stop();
    },
  };
}

/** `{ port: 1 }` as `--port 1`. */
export function argumentsOf(options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** The last lines that a process printed. */
function tail(log: string): string {
  try {
    const lines = readFileSync(log, "utf8").trimEnd().split("\n").slice(-12);
    return lines.map((line) => `    ${line.slice(0, 400)}`).join("\n");
  } catch {
    return "";
  }
}
