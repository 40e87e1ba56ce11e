import { parentPort, threadId, workerData } from "node:worker_threads";
import { SluiceError, unreachable } from "@sluice/core";
import { createBlobWriter, openBlobFile } from "@sluice/replica/blob-file";
import { answerCalls } from "../thread-answers.ts";
import { free } from "./spool-files.ts";
import { type Bench, createBench } from "./workbench.ts";
import type { BenchAnswers, BenchRequest } from "./workbench-messages.ts";

// A thread of the workbench: reading, comparing and hashing a million items would keep a revert waiting.
const { blobsDirectory } = workerData as { readonly blobsDirectory: string };
const writer = createBlobWriter(blobsDirectory, `publish-${process.pid}-${threadId}`);
const blobs = {
  open: (name: string) => openBlobFile(blobsDirectory, name),
  async putProven(name: string, chunks: readonly Uint8Array[] | Iterable<Uint8Array>): Promise<void> {
    await writer.putProven(name, chunks);
    // Built for the file alone. Megabytes that only a collection would free are made faster than it comes.
    if (Array.isArray(chunks)) for (const chunk of chunks as readonly Uint8Array[]) free(chunk);
  },
};
const benches = new Map<number, Bench>();

answerCalls(parentPort, answer, buffersOf);

async function answer(request: BenchRequest): Promise<BenchAnswers[keyof BenchAnswers]> {
  if (request.kind === "open") {
    benches.set(request.bench, createBench(request.directory, blobs));
    return null;
  }
  const bench = benches.get(request.bench);
  if (bench === undefined) throw new SluiceError("CLOSED", "the upload is not at work any more");
  switch (request.kind) {
    case "begin":
      await bench.begin(request.options);
      return null;
    case "push":
      return { items: await bench.push(request.bytes), bytes: request.bytes };
    case "seal":
      return bench.seal();
    case "run":
      return bench.run(request.job.kind, request.job.input);
    case "close":
      benches.delete(request.bench);
      await bench.close();
      return null;
    default:
      return unreachable(request);
  }
}

/** What an answer is made of is handed over and not copied. */
function buffersOf(answered: BenchAnswers[keyof BenchAnswers]): ArrayBuffer[] {
  if (answered === null || typeof answered !== "object") return [];
  const bytes = "bytes" in answered ? answered.bytes : "over" in answered ? answered.over?.bytes : undefined;
  return bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}
