import type { PatchMinute } from "@sluice/core/api";
import type { ThreadResponse } from "../thread-calls.ts";
import type { Fault } from "./fault.ts";
import type { LogFile, LogFileOptions } from "./log-file.ts";
import type { CheckpointHead, LogSize, Pruned, Pruning, RememberedAnswer } from "./port.ts";

/** One change, of those that are committed together. */
export type Write =
  | {
      readonly kind: "append";
      readonly expected: number;
      /** Logged events as JSON. */
      readonly events: readonly string[];
      readonly answers: readonly RememberedAnswer[];
    }
  | {
      readonly kind: "put-contents";
      readonly dataset: string;
      readonly publish: number;
      readonly contentHashes: readonly string[];
    }
  | { readonly kind: "put-document"; readonly name: string; readonly json: string }
  | { readonly kind: "delete-document"; readonly name: string }
  | CheckpointPiece
  | { readonly kind: "drop-checkpoint"; readonly sequence: number }
  /** Of a checkpoint that was begun and not sealed. */
  | { readonly kind: "drop-pieces" }
  | ({ readonly kind: "seal-checkpoint"; readonly pieces: number } & CheckpointHead);

/** A stretch of a checkpoint, which counts only once all of it is sealed. */
export interface CheckpointPiece {
  readonly kind: "checkpoint-piece";
  readonly sequence: number;
  readonly piece: number;
  readonly bytes: Uint8Array;
}

/** Some events in a row. */
export interface Page {
  /** Logged events as JSON. */
  readonly events: readonly string[];
  /** Whether nothing followed when the page was read. */
  readonly end: boolean;
}

/** Which minutes are asked for: those after a number from there on, otherwise the newest. */
export interface ShelfQuery {
  readonly after: number | null;
  readonly dataset: string | null;
  readonly limit: number;
}

/** Which control events are asked for: those after a number from there on, otherwise the newest before another. */
export interface ControlQuery extends ShelfQuery {
  readonly before: number | null;
}

/** Events of one dataset on the shelf of patches that are asked for: patches, or bases that lines moved to. */
export interface PlacesQuery {
  readonly dataset: string;
  readonly rebased: boolean;
  readonly after: number;
  readonly limit: number;
}

/** What the worker that owns the log's file is asked, and what it answers. */
export interface Calls {
  open: { given: LogFileOptions; answer: Pick<LogFile, "logId" | "checked"> };
  /** One fault or null for each write. */
  write: { given: { writes: readonly Write[]; nowMs: number }; answer: readonly (Fault | null)[] };
  read: { given: { after: number; eventsMax: number }; answer: Page };
  "read-control": { given: ControlQuery; answer: readonly string[] };
  "read-places": { given: PlacesQuery; answer: readonly string[] };
  "read-patch-minutes": { given: ShelfQuery; answer: readonly PatchMinute[] };
  checkpoints: { given: null; answer: readonly CheckpointHead[] };
  "read-checkpoint": { given: { sequence: number }; answer: string | null };
  prune: { given: { pruning: Pruning; nowMs: number }; answer: Pruned };
  measure: { given: null; answer: LogSize };
  "lines-with-content": { given: { dataset: string; contentHash: string }; answer: readonly number[] };
  remembered: { given: { key: string; nowMs: number }; answer: RememberedAnswer | null };
  "get-document": { given: { name: string }; answer: string | null };
  close: { given: null; answer: null };
}

export type CallKind = keyof Calls;

/** A call on its way to the worker. */
export type Request = {
  [K in CallKind]: { readonly id: number; readonly kind: K; readonly given: Calls[K]["given"] };
}[CallKind];

/** Its answer on the way back. */
export type Response = ThreadResponse<Calls[CallKind]["answer"]>;
