import {
  type BaseRef,
  type Clock,
  filesOfBase,
  type NamespaceState,
  protocolVersion,
  SluiceError,
  type Timer,
} from "@sluice/core";
import type { HereReverts, Mark } from "@sluice/core/api";
import type { PackedLines } from "./lines.ts";
import type { RecordFile } from "./record-file.ts";

/** All that a replica knows, at one position of the log: cursor and data are one record. */
export interface Checkpoint {
  readonly log: string;
  readonly state: NamespaceState;
  /** What the replica was asked to hold; null was all. */
  readonly datasets: readonly string[] | null;
  readonly lines: Readonly<Record<string, PackedLines>>;
  readonly marks: readonly Mark[];
  /** What hosts have taken back for themselves; left out by builds that did not know of it. */
  readonly here?: readonly HereReverts[];
}

/** Writes the replica's position to disk, some time after it has changed. */
export interface Checkpoints {
  /** The last position; null where there is none. Throws CORRUPT where the file is damaged or of another program. */
  load(): Promise<Checkpoint | null>;
  /** Says that the position has changed. */
  touch(): void;
  /** Writes the position if it changed, and writes no more. */
  close(): Promise<void>;
}

/** A position is written at most this often, in milliseconds, and takes at most a fiftieth of the time. */
const checkpointMs = 1_000;
const dutyShare = 50;

const format = "sluice replica 2";

/**
 * Positions in a record file. `capture` gives what is to be written, or null where the position cannot be written now;
 * `onWritten` is told what the disk has, `onError` what kept it from being written. A failed write is tried again.
 */
export function createCheckpoints(dependencies: {
  readonly file: RecordFile;
  readonly clock: Clock;
  readonly capture: () => Checkpoint | null;
  readonly onWritten: (checkpoint: Checkpoint) => void;
  readonly onError: (error: unknown) => void;
}): Checkpoints {
  const { file, clock, capture, onWritten, onError } = dependencies;
  let dirty = false;
  let closed = false;
  let tookMs = 0;
  let timer: Timer | undefined;
  let writing: Promise<void> | undefined;

  const arm = (): void => {
    if (closed || timer !== undefined || writing !== undefined) return;
    timer = clock.setTimer(Math.max(checkpointMs, dutyShare * tookMs), () => {
      timer = undefined;
      writing = write().finally(() => {
        writing = undefined;
        if (dirty) arm();
      });
    });
  };

  const write = async (): Promise<void> => {
    const startMs = clock.now();
    const checkpoint = capture();
    dirty = false;
    if (checkpoint === null) return;
    try {
      await file.write(JSON.stringify({ format, protocol: protocolVersion, ...checkpoint }));
      onWritten(checkpoint);
    } catch (error) {
      dirty = true;
      onError(error);
    }
    tookMs = clock.now() - startMs;
  };

  return {
    load: () => readCheckpoint(file),
    touch() {
      dirty = true;
      arm();
    },
    async close() {
      closed = true;
      timer?.cancel();
      await writing;
      if (dirty) await write();
    },
  };
}

/** The position in a file; null where there is none. Throws CORRUPT where it is damaged or of another program, STORE_UNAVAILABLE. */
export async function readCheckpoint(file: Pick<RecordFile, "read">): Promise<Checkpoint | null> {
  const text = await file.read();
  return text === null ? null : parseCheckpoint(text);
}

// The seal on the file proves that a process with this format and protocol wrote it, from what it had validated.
function parseCheckpoint(text: string): Checkpoint {
  const { format: itsFormat, protocol, ...checkpoint } = parsed(text);
  if (itsFormat === format && protocol === protocolVersion) {
    assertShape(checkpoint);
    return checkpoint;
  }
  throw new SluiceError(
    "CORRUPT",
    `expected a position of format "${format}" and protocol ${protocolVersion}, came ${JSON.stringify(itsFormat)} and ${String(protocol)}; it will be fetched again`,
  );
}

function parsed(text: string): Checkpoint & { readonly format?: unknown; readonly protocol?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return (value ?? {}) as Checkpoint;
  } catch (cause) {
    throw new SluiceError("CORRUPT", "the position on disk is no JSON; it will be fetched again", { cause });
  }
}

/** As much of the shape as whoever serves it walks through before the schemas are loaded. */
function assertShape(checkpoint: Checkpoint): void {
  const { log, state, datasets, marks, here = [] } = checkpoint;
  try {
    if (!here.every(({ reverts }) => Array.isArray(reverts))) throw new TypeError("no reverts of hosts");
    if (typeof log !== "string" || !Array.isArray(marks)) throw new TypeError("no log or no marks");
    if (datasets !== null && !Array.isArray(datasets)) throw new TypeError("no datasets");
    if (!Number.isInteger(state.sequence)) throw new TypeError("no state");
    if (![state.datasets, state.releases].every((its) => Object.values(its).every(isRecord)))
      throw new TypeError("no state");
    blobsOf(checkpoint);
  } catch (cause) {
    throw shapeless(cause);
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function shapeless(cause: unknown): SluiceError {
  const message = "the position on disk does not have the shape of one; it will be fetched again";
  return new SluiceError("CORRUPT", message, { cause });
}

/**
 * Checks a position with the schemas of the wire, which take longer to load than a read: after the position is served, before
 * anything is folded on it. Throws CORRUPT.
 */
export async function validateCheckpoint(
  checkpoint: Pick<Checkpoint, "state" | "lines" | "marks" | "here">,
): Promise<void> {
  const { contentSchema, eventSchema, hereSchema, markSchema, namespaceStateSchema } = await import("@sluice/core/api");
  try {
    hereSchema.parse(checkpoint.here ?? []);
    namespaceStateSchema.parse(checkpoint.state);
    for (const mark of checkpoint.marks) markSchema.parse(mark);
    for (const { stable, candidate, shown } of Object.values(checkpoint.lines)) {
      for (const track of [stable, candidate]) {
        if (track === null) continue;
        if (!Number.isInteger(track.publish) || !Array.isArray(track.queue)) throw new TypeError("no line");
        // A patch that waits is what an event said of one line.
        const patched = { type: "patched", dataset: "any", candidate: null, candidateDelta: null };
        for (const { delta, position } of track.queue) eventSchema.parse({ ...patched, stable: position, delta });
        contentSchema.parse("content" in track.ground ? track.ground.content : track.ground.version);
      }
      if (shown !== null) contentSchema.parse(shown);
    }
  } catch (error) {
    throw shapeless(error);
  }
}

/** The blobs that a position needs. */
export function blobsOf({ lines }: Pick<Checkpoint, "lines">): readonly string[] {
  const names: string[] = [];
  const add = ({ base }: { readonly base: BaseRef }): void => {
    names.push(...filesOfBase(base).map(({ name }) => name));
  };
  for (const { stable, candidate, shown } of Object.values(lines)) {
    if (shown !== null) add(shown);
    for (const track of [stable, candidate]) {
      if (track === null) continue;
      const { ground } = track;
      add("content" in ground ? ground.content : ground.version);
    }
  }
  return names;
}

/** Whether a position holds every dataset that is asked for; null asks for all. */
export function covers(checkpoint: Checkpoint, datasets: readonly string[] | null): boolean {
  const held = checkpoint.datasets;
  return held === null || (datasets !== null && datasets.every((dataset) => held.includes(dataset)));
}
