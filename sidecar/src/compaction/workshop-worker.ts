import { parentPort, workerData } from "node:worker_threads";
import { buildLayer } from "@sluice/core";
import { openBlobFile } from "@sluice/replica";
import { answerCalls } from "../thread-answers.ts";
import { type FoldedPart, foldLayers, mergeLayers, type OpenFile } from "./files.ts";
import type { WorkshopAnswer, WorkshopRequest } from "./workshop-thread.ts";

// The thread that moves what lies over parts down: reading, sorting and hashing it would keep a revert waiting.
const { directory } = workerData as { readonly directory: string };
const open: OpenFile = (name) => openBlobFile(directory, name);
/** Folds that have begun. */
const folds = new Map<number, Generator<readonly FoldedPart[], void>>();

answerCalls(parentPort, async (request: WorkshopRequest) => answer(request), buffersOf);

function answer(request: WorkshopRequest): WorkshopAnswer {
  switch (request.kind) {
    case "flush":
      return { layer: buildLayer(request.items) };
    case "merge":
      return { layer: mergeLayers(open, request.layers) };
    case "fold":
      folds.set(request.fold, foldLayers(open, request.base, request.partCount));
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
