import type { Admin } from "@sluice/admin";
import { type Clock, type Plan, SluiceError } from "@sluice/core";
import { createColors } from "picocolors";
import type { ExitCode } from "./exit-code.ts";
import { cleaned, jsonText } from "./text.ts";

/** Where text goes. */
export interface Output {
  write(text: string): void;
  /** Not there at all without a terminal. */
  readonly isTTY?: boolean;
  /** Of the terminal, now; 80 and 24 where there is none. */
  readonly columns: number;
  readonly rows: number;
}

/** What a program sees of its process. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A started instance. */
export interface Instance {
  readonly url: string;
  close(): Promise<void>;
}

/** How much an instance writes to its own log. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** One of the levels. */
export type LogLevel = (typeof logLevels)[number];

/** How instances are started; both load their code only when they are asked. */
export interface Instances {
  serve(options: {
    directory: string;
    port: number;
    host: string;
    logLevel: LogLevel;
    retention: { keepPatchesMs: number; keepPatchesBytesMax: number; keepVersionsMs: number };
    alertsToken: { file: string } | { token: string } | null;
    prometheus: { url: string; intervalMs: number; tokenFile: string | null } | null;
  }): Promise<Instance>;
  follow(options: {
    origins: string[];
    directory: string | null;
    port: number;
    host: string;
    name: string;
    logLevel: LogLevel;
  }): Promise<Instance>;
}

/** What the program is made with. */
export interface Dependencies {
  readonly io: Io;
  readonly clock: Clock;
  readonly createAdmin: (options: { readonly url: string; readonly actor: string }) => Promise<Admin>;
  readonly instances: Instances;
  /** What of a plan could never act at any origin; loads the engine of its expressions. */
  readonly planProblems: (plan: Plan) => Promise<readonly { readonly path: string; readonly reason: string }[]>;
  /** Calls back on Ctrl-C and on SIGTERM until it is taken back. */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
  readonly userName: () => string;
  readonly hostName: () => string;
  readonly version: string;
  /** For the times that people read; default that of the machine. */
  readonly timeZone?: string;
}

/** Colours, or nothing where they are off. */
export type Style = ReturnType<typeof createColors>;

/** The options that every command has. */
export interface GlobalOptions {
  readonly url?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** What a command works with. */
export interface Context extends Dependencies {
  readonly json: boolean;
  readonly debug: boolean;
  readonly style: Style;
  /** Of the instance that commands go to. */
  readonly url: string;
  /** ` --url URL` for a command that is printed, or nothing where commands go there without it. */
  readonly urlArgument: (url: string) => string;
  /** The client of that instance; its code is loaded here. */
  admin(): Promise<Admin>;
  /** Prints one answer: JSON as it came, or lines made of its escaped form. */
  print<T>(answer: T, render: (answer: T) => readonly string[]): void;
  /** A line for people beside the answer, on standard error; nothing with `--json`. */
  note(line: string): void;
  /** What the process ends with where that is not 0 and no error. */
  endWith(code: ExitCode): void;
}

const urlDefault = "http://127.0.0.1:7070";

/** Makes what commands work with; the global options are asked for when they are known. */
export function createContext(
  dependencies: Dependencies,
  options: () => GlobalOptions,
  endWith: (code: ExitCode) => void,
): Context {
  const { io } = dependencies;
  const { env, stdout, stderr } = io;
  // Given undefined, the library would ask the environment, and colour files and pipes in CI.
  const colored = stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  const context: Context = {
    ...dependencies,
    get json() {
      return options().json === true;
    },
    get debug() {
      return options().debug === true || (env["SLUICE_DEBUG"] ?? "") !== "";
    },
    style: createColors(colored),
    get url() {
      return options().url ?? nonEmpty(env["SLUICE_URL"]) ?? urlDefault;
    },
    urlArgument(url) {
      const usual = nonEmpty(env["SLUICE_URL"]) ?? urlDefault;
      if (withoutSlash(url) === withoutSlash(usual)) return "";
      return ` --url ${/^[\w:/.%-]+$/.test(url) ? url : `'${url.replaceAll("'", "%27")}'`}`;
    },
    admin: () => dependencies.createAdmin({ url: context.url, actor: actorOf(dependencies) }),
    print(answer, render) {
      if (context.json) stdout.write(`${jsonText(answer, stdout.isTTY ? 2 : 0)}\n`);
      else for (const line of render(cleaned(answer))) stdout.write(`${line}\n`);
    },
    note(line) {
      if (!context.json) stderr.write(`${line}\n`);
    },
    endWith,
  };
  return context;
}

function actorOf({ io, userName }: Dependencies): string {
  const name = nonEmpty(io.env["SLUICE_ACTOR"]) ?? userName();
  if (name.length > 200) {
    throw new SluiceError("VALIDATION", `SLUICE_ACTOR has at most 200 characters, this one has ${name.length}`);
  }
  return name;
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, "");
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}
