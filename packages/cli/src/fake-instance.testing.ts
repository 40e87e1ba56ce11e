import { createAdmin } from "@sluice/admin";
import { createVirtualClock, type ErrorCode, statusOf, type VirtualClock } from "@sluice/core";
import { planProblems } from "@sluice/sidecar/plans";
import type { Dependencies, Instances, Output } from "./context.ts";
import { createProgram } from "./program.ts";

/** A request as the fake instance saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Headers;
  /** The whole body as text. */
  readonly text: string;
}

/** What one run of a command came to. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line over an instance that is a function, in this process. */
export interface TestProgram {
  readonly clock: VirtualClock;
  readonly requests: readonly SeenRequest[];
  readonly stdout: { text: string };
  readonly stderr: { text: string };
  /** Ctrl-C. */
  interrupt(): void;
  run(...argv: readonly string[]): Promise<Outcome>;
}

/** How the fake instance answers: JSON, or a whole response. */
export type Answer = (request: SeenRequest) => unknown;

/** What a test may change of the process. */
export interface TestOptions {
  readonly tty?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly instances?: Partial<Instances>;
  readonly exit?: (code: number) => void;
  /** Takes the place of the whole instance, streams included. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Makes a command line whose requests are answered by `answer`; times are shown in UTC. */
export function createTestProgram(answer: Answer, options: TestOptions = {}): TestProgram {
  const clock = createHastyClock();
  const requests: SeenRequest[] = [];
  const stdout = outputOf(options);
  const stderr = outputOf(options);
  const interrupts = new Set<() => void>();
  const dependencies: Dependencies = {
    io: { stdout, stderr, stdin: options.stdin ?? nothing(), env: options.env ?? {} },
    clock,
    createAdmin: async (given) => createAdmin({ ...given, fetch: options.fetch ?? fetchOf(answer, requests), clock }),
    instances: { serve: startNothing, follow: startNothing, ...options.instances },
    planProblems: async (plan) => planProblems(plan, true),
    onInterrupt(listener) {
      interrupts.add(listener);
      return () => void interrupts.delete(listener);
    },
    exit: options.exit ?? (() => undefined),
    userName: () => "li.wei",
    hostName: () => "host-1",
    version: "0.1.0",
    timeZone: "UTC",
  };
  const program = createProgram(dependencies);
  return {
    clock,
    requests,
    stdout,
    stderr,
    interrupt: () => {
      for (const listener of interrupts) listener();
    },
    async run(...argv) {
      stdout.text = "";
      stderr.text = "";
      const code = await program.run(argv);
      return { code, stdout: stdout.text, stderr: stderr.text };
    },
  };
}

async function startNothing(): Promise<never> {
  throw new Error("this test starts no instance");
}

/** What a terminal obeys: control characters other than the end of a line, and marks that turn the writing direction. */
export const obeyed: RegExp = /[^\P{Cc}\n]|[\u202a-\u202e]/u;

/** An error as an instance answers it. */
export function problem(code: ErrorCode, detail: string, details: object = {}): Response {
  const body = { type: `urn:sluice:${code.toLowerCase()}`, title: code, status: statusOf(code), code, detail, details };
  return new Response(JSON.stringify(body), {
    status: statusOf(code),
    headers: { "content-type": "application/problem+json" },
  });
}

/** Bytes in chunks of one text each. */
export async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

/** A virtual clock on which what the program itself waits for is over at once; what watches over it is left alone. */
function createHastyClock(): VirtualClock {
  const clock = createVirtualClock();
  return {
    ...clock,
    setTimer(delayMs, fire, timerOptions) {
      const timer = clock.setTimer(delayMs, fire, timerOptions);
      if (timerOptions?.keepAlive === true) queueMicrotask(() => clock.advance(delayMs));
      return timer;
    },
  };
}

function fetchOf(answer: Answer, requests: SeenRequest[]): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { pathname, searchParams } = new URL(request.url);
    const seen: SeenRequest = {
      method: request.method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: request.headers,
      text: await request.text(),
    };
    requests.push(seen);
    const given = await answer(seen);
    return given instanceof Response ? given : Response.json(given);
  };
}

function outputOf({ tty = false, columns = 80, rows = 24 }: TestOptions): Output & { text: string } {
  const output = {
    text: "",
    isTTY: tty,
    columns,
    rows,
    write(text: string) {
      output.text += text;
    },
  };
  return output;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
