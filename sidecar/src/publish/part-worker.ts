import { parentPort } from "node:worker_threads";
import { buildPart, isSluiceError } from "@sluice/core";
import type { PartRequest, PartResponse } from "./part-thread.ts";
import { readRecords } from "./records.ts";

// The thread that builds parts: sorting and hashing 2 MiB would keep a revert waiting.
const port = parentPort;
if (port === null) throw new Error("this file is a worker of the publisher");

port.on("message", ({ id, records }: PartRequest) => {
  try {
    const part = buildPart(readRecords(Buffer.from(records)));
    port.postMessage({ id, part } satisfies PartResponse, [part.bytes.buffer as ArrayBuffer]);
  } catch (error) {
    const { message } = error as Error;
    const code = isSluiceError(error) ? error.code : "INTERNAL";
    port.postMessage({ id, fault: { code, message } } satisfies PartResponse);
  }
});
