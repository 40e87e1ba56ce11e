import { assert } from "@sluice/core";
import type { Blobs } from "@sluice/replica";
import { doJob, type JobBlobs, type JobRequest, type Jobs } from "./jobs.ts";
import { createMemorySpoolFiles, createSpoolFiles } from "./spool-files.ts";
import { createUploadReader, type ReadOptions, type ReadSummary } from "./upload-reader.ts";

/** Where the heavy work of publishes is done: reading, sorting, comparing, hashing, building. */
export interface Workbench {
  /** A place for one upload, which is kept in a directory that is there and empty, or in memory. */
  open(directory: string | null): Bench;
  /** No upload is at work: it may let go of what it holds, if none comes soon. */
  rest(): Promise<void>;
  /** Lets go of everything. No bench is open any more. */
  close(): Promise<void>;
}

/**
 * The work on one upload: begin, push its bytes, seal, then jobs, then close. Every call throws INTERNAL where the thread that
 * does the work has died, and what the spool's files and the blobs throw.
 */
export interface Bench {
  /** How many jobs are worth being given at a time. */
  readonly lanes: number;
  begin(options: ReadOptions): Promise<void>;
  /** Takes bytes, which may be written to again afterwards; ends when more may come. Gives the items that are known to be read. */
  push(bytes: Uint8Array): Promise<number>;
  /** Ends when all is read. */
  seal(): Promise<ReadSummary>;
  run<Kind extends keyof Jobs>(kind: Kind, input: Jobs[Kind]["input"]): Promise<Jobs[Kind]["output"]>;
  /** Ends when nothing is at work any more. Files stay: they are the caller's. */
  close(): Promise<void>;
}

/** Bytes that are read into items without a turn for anybody else, about a millisecond. */
const pieceBytes = 32 * 1024;

/** Works in the thread of the caller, some milliseconds at a time: for tests and the simulation. */
export function createInlineWorkbench(dependencies: {
  readonly blobs: Blobs;
  /** Ends after everything else that waits for the event loop has had its turn. */
  readonly yieldNow: () => Promise<void>;
}): Workbench {
  const { blobs, yieldNow } = dependencies;
  const jobBlobs: JobBlobs = {
    open: (name) => blobs.open(name),
    async putProven(name, chunks) {
      if (!blobs.has(name)) await blobs.put(name, Buffer.concat([...chunks]));
    },
  };
  return {
    open(directory) {
      const bench = createBench(directory, jobBlobs);
      return {
        ...bench,
        async push(bytes) {
          let items = 0;
          for (let start = 0; start < bytes.length; start += pieceBytes) {
            items = await bench.push(bytes.subarray(start, start + pieceBytes));
            await yieldNow();
          }
          return items;
        },
        async run(kind, input) {
          const output = await bench.run(kind, input);
          await yieldNow();
          return output;
        },
      };
    },
    rest: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** A bench that does its work at once, in whatever thread. */
export function createBench(directory: string | null, blobs: JobBlobs): Bench {
  const files = directory === null ? createMemorySpoolFiles() : createSpoolFiles(directory);
  let reader: ReturnType<typeof createUploadReader> | undefined;
  const reading = (): ReturnType<typeof createUploadReader> => {
    assert(reader !== undefined, "an upload begins before it is read");
    return reader;
  };
  return {
    lanes: 1,
    async begin(options) {
      reader = createUploadReader(files, options);
    },
    push: async (bytes) => reading().push(bytes),
    seal: async () => reading().end(),
    // A job of a kind gives what a job of that kind gives, which TypeScript cannot tell of a union.
    run: async <Kind extends keyof Jobs>(kind: Kind, input: Jobs[Kind]["input"]) =>
      doJob(files, blobs, { kind, input } as JobRequest),
    close: async () => files.close(),
  };
}
