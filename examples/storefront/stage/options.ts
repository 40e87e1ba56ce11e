import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { defaultSeed } from "../catalogue/catalogue.ts";

/** How the demo is started. */
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
}

/** What `npm start -- --help` says. */
export const help: string = `Sluice, watched: a shop of 10,000 articles, and a price file that breaks it.

  npm start                     tells the story, then keeps running for you to play with
  npm start -- --once           ends after the story; exit code 0 only if all of it happened,
                                and one JSON object as the last line
  npm start -- --once --no-guard   the same with a guard that cannot act: exits 1

  --port PORT         the sidecar and its page (7070)
  --shop-port PORT    the shop (3000)
  --seed NUMBER       another catalogue (${defaultSeed})
  --data DIR          keep the sidecar's data here, an empty directory (a temporary one)
  --help
`;

/** An option that makes no sense, in one line for the person who typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Reads the command line; null where it asks for help. Throws UsageError. */
export function readOptions(args: readonly string[]): DemoOptions | null {
  let values: ReturnType<typeof parse>["values"];
  try {
    ({ values } = parse(args));
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; see npm start -- --help`);
  }
  if (values.help) return null;
  const data = values.data ?? null;
  if (data !== null && existsSync(data) && readdirSync(data).length > 0) {
    throw new UsageError(`--data ${data} is not empty; the story begins with nothing`);
  }
  const options = {
    port: whole("--port", values.port, 1, 65_535),
    shopPort: whole("--shop-port", values["shop-port"], 1, 65_535),
    seed: whole("--seed", values.seed, 0, 0xffff_ffff),
    once: values.once,
    guard: !values["no-guard"],
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

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "7070" },
      "shop-port": { type: "string", default: "3000" },
      seed: { type: "string", default: String(defaultSeed) },
      once: { type: "boolean", default: false },
      "no-guard": { type: "boolean", default: false },
      data: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
}

function whole(flag: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < from || value > to) {
    throw new UsageError(`${flag} takes a whole number from ${from} to ${to}, not ${text}`);
  }
  return value;
}
