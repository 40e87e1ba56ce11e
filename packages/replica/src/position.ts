import type { Clock } from "@sluice/core";
import { blobsOf, type Checkpoint, createCheckpoints } from "./checkpoint.ts";
import type { RecordFile } from "./record-file.ts";

/** The position that a directory has on disk, which every process starts from and one writes. */
export interface Position {
  /** The last position; null where there is none. Throws CORRUPT where the file is damaged or of another program. */
  load(): Promise<Checkpoint | null>;
  /** Says that what is held here has changed. */
  touch(): void;
  /** This process has become the directory's writer: from now on its positions are written, once they are as new as what is there. */
  takeOver(): Promise<void>;
  /** Blobs that the position on disk needs, as far as this process knows it. */
  blobs(): readonly string[];
  /** The last position that this process has written; null where it wrote none. */
  written(): Checkpoint | null;
  /** Writes the position if it changed, and writes no more. */
  close(): Promise<void>;
}

/**
 * A position in a record file. `capture` gives what is to be written, or null where that cannot be now; `isWriter` says whether this
 * process may write. `onWritten` is told what the disk has, `onError` what kept it from being written or read.
 */
export function createPosition(dependencies: {
  readonly file: RecordFile;
  readonly clock: Clock;
  readonly capture: () => Checkpoint | null;
  readonly isWriter: () => boolean;
  readonly onWritten: (checkpoint: Checkpoint) => void;
  readonly onError: (error: unknown) => void;
}): Position {
  const { file, clock, capture, isWriter, onWritten, onError } = dependencies;
  let needed: readonly string[] = [];
  let last: Checkpoint | null = null;
  /** What the file was when this process read it. */
  let known: { readonly stamp: string | null; readonly log: string; readonly sequence: number } | null = null;
  /** What lies there from another writer; null until it was looked at. */
  let floor: { readonly log: string | null; readonly sequence: number } | null = null;

  const checkpoints = createCheckpoints({
    file,
    clock,
    capture() {
      if (!isWriter() || floor === null) return null;
      const checkpoint = capture();
      if (checkpoint === null) return null;
      // To go back could bring what was reverted since, whose mark went when a position had passed it.
      return checkpoint.log === floor.log && checkpoint.state.sequence < floor.sequence ? null : checkpoint;
    },
    onWritten(checkpoint) {
      needed = blobsOf(checkpoint);
      last = checkpoint;
      onWritten(checkpoint);
    },
    onError,
  });

  const load = async (): Promise<Checkpoint | null> => {
    const stamp = file.stamp();
    const checkpoint = await checkpoints.load();
    if (checkpoint === null) return null;
    known = { stamp, log: checkpoint.log, sequence: checkpoint.state.sequence };
    needed = blobsOf(checkpoint);
    return checkpoint;
  };

  return {
    load,
    touch: () => checkpoints.touch(),
    async takeOver() {
      floor = null;
      try {
        // Read again only where another process has written it since.
        if (known === null || known.stamp !== file.stamp()) await load();
      } catch (error) {
        // What cannot be read is no position, and the next one takes its place.
        onError(error);
        known = null;
      }
      floor = known ?? { log: null, sequence: 0 };
      checkpoints.touch();
    },
    blobs: () => needed,
    written: () => last,
    close: () => checkpoints.close(),
  };
}
