import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { defaultSeed } from "../catalogue/catalogue.ts";

/** How the demo and the comparison are started. */
export interface DemoOptions {
  /** Where the sidecar and its page are. */
  readonly port: number;
  readonly shopPort: number;
  readonly seed: number;
  /** End after the story, with an exit code that says whether all of it happened. */
  readonly once: boolean;
  /** Whether the guard may act. */
  readonly guard: boolean;
  /** Where the sidecar keeps its data; null takes a temporary directory. */
  readonly data: string | null;
  readonly json: boolean;
  /** Which scenario to play, or `list`; null takes the first. */
  readonly scenario: string | null;
}

/** An option that makes no sense, in one line for the person who typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Runs a program with its arguments, or prints its help. A UsageError becomes one line and exit code 2. */
export async function runProgram(help: string, run: (args: readonly string[]) => Promise<void>): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--help")) {
    process.stdout.write(help);
    return;
  }
  try {
    await run(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}

const own = {
  once: { type: "boolean" },
  "no-guard": { type: "boolean" },
  json: { type: "boolean" },
  data: { type: "string" },
  scenario: { type: "string" },
} as const;

/** Reads the command line: the ports, the seed, and of the others those that the program has. Throws UsageError. */
export function readOptions(args: readonly string[], has: readonly (keyof typeof own)[]): DemoOptions {
  const values = parse(args, has);
  const data = typeof values["data"] === "string" ? values["data"] : null;
  if (data !== null && existsSync(data) && readdirSync(data).length > 0) {
    throw new UsageError(`--data ${data} is not empty; the story begins with nothing`);
  }
  const options = {
    port: whole("--port", values["port"] ?? 7070, 1, 65_535),
    shopPort: whole("--shop-port", values["shop-port"] ?? 3000, 1, 65_535),
    seed: whole("--seed", values["seed"] ?? defaultSeed, 0, 0xffff_ffff),
    once: values["once"] === true,
    guard: values["no-guard"] !== true,
    json: values["json"] === true,
    scenario: typeof values["scenario"] === "string" ? values["scenario"] : null,
    data,
  };
  if (options.port === options.shopPort) throw new UsageError("--port and --shop-port must be two ports");
  return options;
}

/** Refuses a port that something listens on already. Throws UsageError. */
export async function refuseTakenPort(port: number, flag: string): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "is in use" : `cannot be had (${error.code})`;
      reject(new UsageError(`port ${port} ${why}: stop what listens there, or take another with ${flag} PORT`));
    });
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}

function parse(args: readonly string[], has: readonly (keyof typeof own)[]): Record<string, unknown> {
  const text = { type: "string" } as const;
  const options = { port: text, "shop-port": text, seed: text };
  const others = Object.fromEntries(has.map((name) => [name, own[name]]));
  try {
    return parseArgs({ args: [...args], options: { ...options, ...others } }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; --help lists what there is`);
  }
}

function whole(flag: string, given: unknown, from: number, to: number): number {
  const value = Number(given);
  if (!/^\d+$/.test(String(given)) || value < from || value > to) {
    throw new UsageError(`${flag} takes a whole number from ${from} to ${to}, not ${String(given)}`);
  }
  return value;
}
