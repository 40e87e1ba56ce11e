import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const sluice = join(import.meta.dirname, "../../packages/cli/bin/sluice.js");

/** A real instance in a process of its own. */
export interface RunningInstance {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it wrote to standard error so far. */
  stderr(): string;
  /** Kills it with a signal and ends when it is gone; gives its exit code, null after a signal. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** What one command of the command line came to. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Real processes and directories, all of which `clear` ends and removes. */
export interface Bench {
  directory(): string;
  /** Ends when the instance answers; throws with what it wrote where it ends before. */
  serve(options: { data: string; port?: number; args?: readonly string[] }): Promise<RunningInstance>;
  sidecar(options: { origin: string; data?: string; port?: number }): Promise<RunningInstance>;
  /** Runs one command of the command line against an instance. */
  cli(url: string, args: readonly string[], input?: string): Promise<CliResult>;
  clear(): Promise<void>;
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return address.port;
}

/** Asks again until the answer is not undefined, at most `deadlineMs` long. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 30_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let problem: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      problem = error;
    }
    await sleep(20);
  }
  throw new Error(`it never came to: ${what}`, { cause: problem });
}

/** Makes an empty bench. */
export function createBench(): Bench {
  const children = new Set<ChildProcess>();
  const directories: string[] = [];

  function start(args: readonly string[]): { child: ChildProcess; stderr: () => string } {
    const child = spawn(process.execPath, [sluice, ...args], {
      // As CI runs it: what is no terminal gets no colours there either.
      env: { ...process.env, CI: "true" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    children.add(child);
    child.once("close", () => children.delete(child));
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    return { child, stderr: () => stderr };
  }

  async function instance(args: readonly string[], port: number): Promise<RunningInstance> {
    const url = `http://127.0.0.1:${port}`;
    const { child, stderr } = start([...args, "--port", String(port)]);
    child.stdin?.end();
    child.stdout?.resume();
    await eventually(`an instance at ${url}`, async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr()}`);
      return (await fetch(`${url}/healthz`)).ok ? true : undefined;
    });
    return {
      url,
      process: child,
      stderr,
      async end(signal = "SIGTERM") {
        if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
        const closed = once(child, "close");
        child.kill(signal);
        await closed;
        return child.exitCode;
      },
    };
  }

  return {
    directory() {
      const made = mkdtempSync(join(tmpdir(), "sluice-system-"));
      directories.push(made);
      return made;
    },
    serve: async ({ data, port, args = [] }) =>
      instance(["serve", "--data", data, ...args], port ?? (await freePort())),
    sidecar: async ({ origin, data, port }) =>
      instance(
        ["sidecar", "--origin", origin, ...(data === undefined ? [] : ["--data", data])],
        port ?? (await freePort()),
      ),
    async cli(url, args, input) {
      const { child, stderr } = start(["--url", url, ...args]);
      let stdout = "";
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      child.stdin?.end(input ?? "");
      await once(child, "close");
      return { code: child.exitCode, stdout, stderr: stderr() };
    },
    async clear() {
      for (const child of children) {
        child.kill("SIGCONT");
        child.kill("SIGKILL");
        if (child.exitCode === null && child.signalCode === null) await once(child, "close");
      }
      for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** `count` items as NDJSON. */
export function ndjson(count: number, value: (index: number) => unknown): string {
  return Array.from(
    { length: count },
    (_, index) => `${JSON.stringify({ key: `sku-${index}`, value: value(index) })}\n`,
  ).join("");
}

/** Posts JSON and gives status and body. */
export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
