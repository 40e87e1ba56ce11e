import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { SluiceError } from "@sluice/core";
import type { Logger } from "pino";
import { createThreadCalls, type ThreadCalls } from "../thread-calls.ts";
import { type LogFileOptions, wholeCheckBytesMax } from "./log-file.ts";
import type { CallKind, Calls, Request } from "./worker-messages.ts";

/** The thread that owns the log's file, seen from outside; started anew by the next call where it died. */
export interface LogWorker {
  readonly logId: string;
  /** Throws what the worker throws, and STORE_UNAVAILABLE where it dies before it answers: what it did by then stays. */
  call<K extends Exclude<CallKind, "open" | "close">>(kind: K, given: Calls[K]["given"]): Promise<Calls[K]["answer"]>;
  /** Closes the file after the calls before it, and ends the thread. */
  close(): Promise<void>;
}

/** What the log's thread needs. */
export interface LogWorkerOptions {
  readonly file: string;
  readonly newLogId: string;
  readonly bytesMax: number | null;
  readonly startWorker: () => Worker;
  readonly logger: Pick<Logger, "info" | "error"> | null;
}

/** Starts the thread's file, as source or built, whichever this file is. */
export function startLogWorker(): Worker {
  // The worker imports relative files only and needs no condition; the process's own flags are not handed on because
  // a worker refuses those of V8 (--max-old-space-size).
  return new Worker(new URL(`./embedded-worker${extname(import.meta.url)}`, import.meta.url), {
    execArgv: [],
    name: "sluice-log",
  });
}

/** Starts the thread and opens the log's file. Throws CORRUPT, STORE_UNAVAILABLE or DISK_FULL. */
export async function openLogWorker(options: LogWorkerOptions): Promise<LogWorker> {
  const { file, bytesMax, startWorker, logger } = options;
  const start = async (
    opening: Pick<LogFileOptions, "log" | "wholeCheckBytesMax">,
    died: () => void,
  ): Promise<Opened> => {
    const thread = startThread(startWorker, file, (cause) => {
      died();
      logger?.error({ err: cause, file }, "the thread of the log ended; the next call starts it again");
    });
    try {
      const { logId, checked } = await thread.call("open", { ...opening, file, bytesMax });
      if (checked === "part") {
        logger?.info({ file }, "the log is too large to be checked whole at open; events are checked as they are read");
      }
      return { thread, logId };
    } catch (error) {
      await thread.end();
      throw error;
    }
  };

  /** Undefined after the end of a thread. */
  let current: Promise<Opened> | undefined;
  const open = (opening: Pick<LogFileOptions, "log" | "wholeCheckBytesMax">): Promise<Opened> => {
    const forget = (): void => {
      if (current === opened) current = undefined;
    };
    const opened = start(opening, forget);
    opened.catch(forget);
    current = opened;
    return opened;
  };

  const { logId } = await open({ log: { newId: options.newLogId }, wholeCheckBytesMax });
  return {
    logId,
    async call(kind, given) {
      const { thread } = await (current ?? open({ log: { id: logId }, wholeCheckBytesMax: null }));
      return thread.call(kind, given);
    },
    async close() {
      // Whoever asked for a start that failed was told; there is nothing to close then.
      const opened = await current?.catch(() => undefined);
      if (opened === undefined) return;
      try {
        await opened.thread.call("close", null);
      } finally {
        await opened.thread.end();
      }
    },
  };
}

interface Opened {
  readonly thread: Thread;
  readonly logId: string;
}

interface Thread {
  call<K extends CallKind>(kind: K, given: Calls[K]["given"]): Promise<Calls[K]["answer"]>;
  /** Ends the thread; nothing is told of it. */
  end(): Promise<void>;
}

function startThread(startWorker: () => Worker, file: string, died: (cause: unknown) => void): Thread {
  let ending = false;
  const worker = start(startWorker, file);
  const calls: ThreadCalls<Pick<Request, "kind" | "given">, Calls[CallKind]["answer"]> = createThreadCalls(
    worker,
    (cause) => {
      if (!ending) died(cause);
      return endedError(file, cause);
    },
  );
  return {
    call<K extends CallKind>(kind: K, given: Calls[K]["given"]): Promise<Calls[K]["answer"]> {
      // From here on it ends by itself, be it before its last answer is taken up.
      if (kind === "close") ending = true;
      // The answer to a call of this kind, by the table of calls.
      return calls.call({ kind, given });
    },
    async end() {
      ending = true;
      // A thread that closed its file has let go of its port and ends by itself.
      await worker.terminate();
    },
  };
}

function start(startWorker: () => Worker, file: string): Worker {
  try {
    return startWorker();
  } catch (cause) {
    throw new SluiceError("STORE_UNAVAILABLE", `the thread of the log ${file} does not start`, { cause });
  }
}

function endedError(file: string, cause: unknown): SluiceError {
  const message = `the thread of the log ${file} ended before it answered; a change may or may not have been written`;
  return new SluiceError("STORE_UNAVAILABLE", message, {
    details: { file },
    ...(cause === undefined ? {} : { cause }),
  });
}
