import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import type { Output } from "./context.ts";
import { errorLines } from "./error-text.ts";
import { createProgram } from "./program.ts";
import { createSystemClock } from "./system-clock.ts";

const clock = createSystemClock();

const program = createProgram({
  io: {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    stdin: {
      [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator](),
    },
    env: process.env,
  },
  clock,
  // What is heavy is loaded by the command that needs it: the schemas of the wire, the whole instance.
  createAdmin: async (options) => {
    const { createAdmin } = await import("@sluice/admin");
    return createAdmin({ ...options, fetch: globalThis.fetch, clock });
  },
  instances: {
    serve: async (options) => (await import("@sluice/sidecar")).serve(options),
    follow: async (options) => (await import("@sluice/sidecar/follower")).follow(options),
  },
  // Whether the instance asks a Prometheus it says itself.
  planProblems: async (plan) => (await import("@sluice/sidecar/plans")).planProblems(plan, true),
  onInterrupt(listener) {
    process.on("SIGINT", listener);
    process.on("SIGTERM", listener);
    return () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    };
  },
  exit: (code) => process.exit(code),
  userName,
  hostName: hostname,
  version: versionOf(new URL("../package.json", import.meta.url)),
});

process.stdout.on("error", endOnClosedPipe);
process.on("uncaughtException", (error) => {
  process.stderr.write(`${errorLines(error).join("\n")}\n`);
  if ((process.env["SLUICE_DEBUG"] ?? "") !== "") process.stderr.write(`${error.stack ?? ""}\n`);
  process.exit(1);
});

process.exitCode = await program.run(process.argv.slice(2));

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY;
    },
    // 0 is what a pseudo-terminal says that nobody has told its size.
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
  };
}

/** `sluice log | head` ends quietly when head has enough. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user without an entry among the users.
    return process.env["USER"] ?? "unknown";
  }
}

function versionOf(url: URL): string {
  const { version } = JSON.parse(readFileSync(url, "utf8")) as { version: string };
  return version;
}
