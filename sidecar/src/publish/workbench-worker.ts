import { parentPort, threadId, workerData } from "node:worker_threads";
import { isSluiceError, SluiceError, unreachable } from "@sluice/core";
import { createBlobWriter, openBlobFile } from "@sluice/replica/blob-file";
import { free } from "./spool-files.ts";
import { type Bench, createBench } from "./workbench.ts";
import type { BenchAnswers, BenchFault, BenchRequest, BenchResponse } from "./workbench-messages.ts";

// A thread of the workbench: reading, comparing and hashing a million items would keep a revert waiting.
const port = parentPort;
if (port === null) throw new Error("this file is a worker of the publisher");

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

port.on("message", (request: BenchRequest) => {
  answer(request).then(
    (answered) => port.postMessage({ id: request.id, answer: answered } satisfies BenchResponse, buffersOf(answered)),
    (error: unknown) => port.postMessage({ id: request.id, fault: faultOf(error) } satisfies BenchResponse),
  );
});

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

function faultOf(error: unknown): BenchFault {
  const message = error instanceof Error ? error.message : String(error);
  return isSluiceError(error)
    ? { code: error.code, message, details: error.details }
    : { code: "INTERNAL", message, details: {} };
}
