import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { profileFlags } from "./profile.ts";

/** What a case can be told to do: one argument in, one answer out, both of which the structured clone algorithm carries. */
export type Steps<S> = { readonly [Name in keyof S]: (input: never) => unknown };

/** A process of its own in which one side of a comparison lives. */
export interface Case<S extends Steps<S>> {
  readonly pid: number;
  /** Tells the process to do a step, and waits for what comes of it. Throws what the step threw, or that the process has ended. */
  call<Name extends keyof S & string>(step: Name, input: Parameters<S[Name]>[0]): Promise<Awaited<ReturnType<S[Name]>>>;
  /** Ends the process. */
  end(): Promise<void>;
}

/** A step on its way to a case. */
export interface Request {
  readonly id: number;
  readonly step: string;
  readonly input: unknown;
}

/** What a case answers. */
export type Answer =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly error: string };

const endMsMax = 10_000;

interface Waiting {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts cases and ends them all. */
export interface Cases {
  /** Starts a module of `cases/` in a process of its own. */
  start<S extends Steps<S>>(module: URL, args?: readonly string[]): Case<S>;
  clear(): Promise<void>;
}

/** Makes an empty set of cases. */
export function createCases(): Cases {
  const running = new Set<{ end(): Promise<void> }>();
  return {
    start<S extends Steps<S>>(module: URL, args: readonly string[] = []): Case<S> {
      const started = startCase<S>(module, args, () => running.delete(started));
      running.add(started);
      return started;
    },
    async clear() {
      await Promise.all([...running].map((each) => each.end()));
    },
  };
}

function startCase<S extends Steps<S>>(module: URL, args: readonly string[], onEnd: () => void): Case<S> {
  const child = fork(module, args, {
    execArgv: [...process.execArgv, ...profileFlags(), "--expose-gc"],
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, Waiting>();
  let requests = 0;
  child.on("message", (message) => {
    const answer = message as Answer;
    const waiter = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("error" in answer) waiter?.reject(new Error(`in ${nameOf(module)}: ${answer.error}`));
    else waiter?.resolve(answer.output);
  });
  child.once("exit", (code, signal) => {
    onEnd();
    for (const { reject } of waiting.values()) reject(new Error(`${nameOf(module)} ended with ${signal ?? code}`));
  });
  return {
    pid: child.pid ?? -1,
    call(step, input) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      if (!isRunning(child)) return Promise.reject(new Error(`${nameOf(module)} has ended`));
      const request: Request = { id: ++requests, step, input };
      waiting.set(request.id, { resolve, reject });
      child.send(request);
      return promise as Promise<Awaited<ReturnType<S[typeof step]>>>;
    },
    async end() {
      // Without its parent it ends by itself, and writes its profile where one is asked for.
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill("SIGKILL"), endMsMax);
      if (isRunning(child)) await once(child, "exit");
      clearTimeout(late);
    },
  };
}

/** Asks a child that was started here to end, insists where it does not, and waits until it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const closed = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), endMsMax);
  await closed;
  clearTimeout(late);
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function nameOf(module: URL): string {
  return module.pathname.split("/").at(-1) ?? module.pathname;
}
