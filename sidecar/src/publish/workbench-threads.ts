import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { type Clock, SluiceError, type Timer } from "@sluice/core";
import { createThreadCalls, type ThreadCalls } from "../thread-calls.ts";
import type { JobRequest, Jobs } from "./jobs.ts";
import type { Bench, Workbench } from "./workbench.ts";
import type { BenchAnswers, BenchCall } from "./workbench-messages.ts";

/** How many threads work: one for each of the publishes that run at a time, and the other one helps where there is but one. */
const threadCount = 2;

/** How long threads wait for the next upload: a source that is pulled every few seconds does not start them each time. */
const restMs = 10_000;

/** Jobs that a thread is given at a time, so that it never waits for the next. */
const jobsAhead = 2;

/** Bytes that go over to a thread at a time, and how many such buffers there are for an upload. */
const bufferBytes = 256 * 1024;
const bufferCount = 4;

/**
 * Of the heap of a thread. What it works on lies outside of the heap, strings live for an item: without a limit the heap would
 * grow as fast as they come. One group's examples, a line of 8 MiB and its value have to have room.
 */
const heapLimits = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 256 };

/** Starts the thread's file, as source or built, whichever this file is. */
export function startWorkbenchWorker(blobsDirectory: string): Worker {
  return new Worker(new URL(`./workbench-worker${extname(import.meta.url)}`, import.meta.url), {
    // It imports a workspace package, so it resolves as this thread does; a worker refuses the flags of V8.
    execArgv: process.execArgv.filter((flag) => flag.startsWith("--conditions=")),
    name: "sluice-publish",
    workerData: { blobsDirectory },
    resourceLimits: heapLimits,
  });
}

interface Thread {
  readonly worker: Worker;
  readonly calls: ThreadCalls<BenchCall & { readonly bench: number }, BenchAnswers[keyof BenchAnswers]>;
  /** Benches that it reads for. */
  homes: number;
  /** Jobs that it has been given. */
  jobs: number;
}

/**
 * Works in threads of its own, which write to a directory of blobs: started by an upload, the second one where there is work for
 * two, and ended ten seconds after the last.
 */
export function createThreadWorkbench(
  blobsDirectory: string,
  clock: Pick<Clock, "setTimer">,
  startWorker: (blobsDirectory: string) => Worker = startWorkbenchWorker,
): Workbench {
  const threads: (Thread | undefined)[] = Array.from({ length: threadCount });
  let resting: Timer | undefined;
  let lastBench = 0;

  function start(index: number): Thread {
    const worker = startWorker(blobsDirectory);
    const calls: Thread["calls"] = createThreadCalls(worker, (cause) => {
      if (threads[index] === thread) threads[index] = undefined;
      return new SluiceError("INTERNAL", "the thread that reads and compares uploads ended; publish again", { cause });
    });
    const thread: Thread = { worker, calls, homes: 0, jobs: 0 };
    // Nobody waits for a thread that has nothing to do.
    worker.unref();
    threads[index] = thread;
    return thread;
  }

  const threadAt = (index: number): Thread => threads[index] ?? start(index);

  function call<Kind extends BenchCall["kind"]>(
    thread: Thread,
    bench: number,
    request: Extract<BenchCall, { kind: Kind }>,
    transfer: ArrayBuffer[] = [],
  ): Promise<BenchAnswers[Kind]> {
    // A call of a kind is answered with what belongs to that kind.
    return thread.calls.call({ ...request, bench }, transfer) as Promise<BenchAnswers[Kind]>;
  }

  function open(directory: string | null): Bench {
    resting?.cancel();
    resting = undefined;
    const bench = ++lastBench;
    // Where two publishes run, each is read in a thread of its own.
    const index = (threads[0]?.homes ?? 0) <= (threads[1]?.homes ?? 0) ? 0 : 1;
    const home = threadAt(index);
    home.homes++;
    const opened = new Map<Thread, Promise<null>>();
    const at = (thread: Thread): Promise<null> => {
      const known = opened.get(thread) ?? call(thread, bench, { kind: "open", directory });
      opened.set(thread, known);
      return known;
    };
    const pushing = createPushing((bytes) => call(home, bench, { kind: "push", bytes }, [bytes.buffer]));

    /** The thread with the fewest jobs, this upload's own first; an upload in memory is in the thread that has read it. */
    const idlest = (): Thread => {
      if (directory === null || (home.jobs === 0 && home.calls.ended === null)) return home;
      const all = Array.from({ length: threadCount }, (_, place) => threadAt(place));
      return all.reduce((least, thread) => (thread.jobs < least.jobs ? thread : least));
    };

    return {
      lanes: (directory === null ? 1 : threadCount) * jobsAhead,
      async begin(options) {
        await at(home);
        await call(home, bench, { kind: "begin", options });
      },
      push: (bytes) => pushing.push(bytes),
      async seal() {
        await pushing.flush();
        return call(home, bench, { kind: "seal" });
      },
      async run<Kind extends keyof Jobs>(kind: Kind, input: Jobs[Kind]["input"]) {
        const thread = idlest();
        thread.jobs++;
        try {
          await at(thread);
          // A job of a kind gives what belongs to that kind.
          return (await call(thread, bench, {
            kind: "run",
            job: { kind, input } as JobRequest,
          })) as Jobs[Kind]["output"];
        } finally {
          thread.jobs--;
        }
      },
      async close() {
        home.homes--;
        await pushing.idle();
        for (const thread of opened.keys()) {
          // A thread that has died has closed what it had.
          if (thread.calls.ended === null) await call(thread, bench, { kind: "close" }).catch(() => null);
        }
      },
    };
  }

  async function close(): Promise<void> {
    resting?.cancel();
    const ending = threads.splice(0, threadCount, undefined, undefined);
    for (const thread of ending) await thread?.worker.terminate();
  }

  return {
    open,
    async rest() {
      resting?.cancel();
      // Somebody else is at work still, and says so when that is done.
      if (threads.some((thread) => (thread?.homes ?? 0) > 0)) return;
      resting = clock.setTimer(restMs, () => void close());
    },
    close,
  };
}

/** Fills buffers that go over to a thread and come back, no more of them than `bufferCount`. */
function createPushing(send: (bytes: Uint8Array<ArrayBuffer>) => Promise<BenchAnswers["push"]>): {
  push(bytes: Uint8Array): Promise<number>;
  /** Sends what is left and waits until all is read. */
  flush(): Promise<void>;
  /** Waits until nothing is under way. */
  idle(): Promise<void>;
} {
  const free: ArrayBuffer[] = [];
  const under = new Set<Promise<void>>();
  let filling: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;
  let made = 0;
  let items = 0;
  let fault: { readonly error: unknown } | undefined;

  const sendOff = (): void => {
    if (filling === undefined || filled === 0) return;
    const sent = carry(filling.subarray(0, filled)).finally(() => under.delete(sent));
    under.add(sent);
    filling = undefined;
    filled = 0;
  };

  const carry = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    try {
      const answer = await send(bytes);
      items = answer.items;
      if (answer.bytes.buffer instanceof ArrayBuffer) free.push(answer.bytes.buffer);
    } catch (error) {
      fault ??= { error };
    }
  };

  /** The next buffer to fill, once one is free. */
  const buffer = async (): Promise<Uint8Array<ArrayBuffer>> => {
    if (free.length === 0 && made < bufferCount) {
      made++;
      return new Uint8Array(bufferBytes);
    }
    let next = free.pop();
    for (; next === undefined; next = free.pop()) {
      if (fault !== undefined) throw fault.error;
      await Promise.race(under);
    }
    return new Uint8Array(next);
  };

  return {
    async push(bytes) {
      if (fault !== undefined) throw fault.error;
      for (let start = 0; start < bytes.length; ) {
        filling ??= await buffer();
        const piece = bytes.subarray(start, start + filling.length - filled);
        filling.set(piece, filled);
        filled += piece.length;
        start += piece.length;
        if (filled === filling.length) sendOff();
      }
      return items;
    },
    async flush() {
      sendOff();
      await Promise.all(under);
      if (fault !== undefined) throw fault.error;
    },
    idle: async () => void (await Promise.all(under)),
  };
}
