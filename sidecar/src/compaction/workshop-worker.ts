import { parentPort, workerData } from "node:worker_threads";
import { buildLayer, isSluiceError } from "@sluice/core";
import { openBlobFile } from "@sluice/replica";
import { type FoldedPart, foldLayers, mergeLayers, type OpenFile } from "./files.ts";
import type { WorkshopAnswer, WorkshopRequest, WorkshopResponse } from "./workshop-thread.ts";

// The thread that moves what lies over parts down: reading, sorting and hashing it would keep a revert waiting.
const port = parentPort;
if (port === null) throw new Error("this file is a worker of the compactor");

const { directory } = workerData as { readonly directory: string };
const open: OpenFile = (name) => openBlobFile(directory, name);
/** Folds that have begun. */
const folds = new Map<number, Generator<readonly FoldedPart[], void>>();

port.on("message", (request: WorkshopRequest) => {
  let response: WorkshopResponse;
  try {
    response = { id: request.id, answer: answer(request) };
  } catch (error) {
    const { message } = error as Error;
    response = { id: request.id, fault: { code: isSluiceError(error) ? error.code : "INTERNAL", message } };
  }
  port.postMessage(response, "answer" in response ? buffersOf(response.answer) : []);
});

function answer(request: WorkshopRequest): WorkshopAnswer {
  switch (request.kind) {
    case "flush":
      return { layer: buildLayer(request.items) };
    case "merge":
      return { layer: mergeLayers(open, request.layers) };
    case "fold":
      folds.set(request.id, foldLayers(open, request.base, request.partCount));
      return { parts: [] };
    case "fold-on":
      return { parts: foldOn(request.fold) };
    case "fold-end":
      folds.get(request.fold)?.return();
      folds.delete(request.fold);
      return { parts: null };
    default:
      throw new Error(`a request that this worker does not know: ${String(request satisfies never)}`);
  }
}

function foldOn(id: number): readonly FoldedPart[] | null {
  const next = folds.get(id)?.next();
  if (next === undefined || next.done === true) return null;
  return next.value;
}

function buffersOf(answered: WorkshopAnswer): ArrayBuffer[] {
  const built =
    "layer" in answered
      ? [answered.layer]
      : (answered.parts ?? []).flatMap((part) => ("built" in part ? [part.built] : []));
  return built.map(({ bytes }) => bytes.buffer as ArrayBuffer);
}
