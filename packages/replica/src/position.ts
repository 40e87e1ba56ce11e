import { type Clock, isSluiceError } from "@sluice/core";
import { blobsOf, type Checkpoint, covers, createCheckpoints, readCheckpoint } from "./checkpoint.ts";
import type { PositionFiles } from "./position-files.ts";

/** The position on disk that processes which hold the same datasets start from, and one of them writes. */
export interface Position {
  /** The best position for what is held here; null where there is none. What is damaged or of another program is none. */
  load(): Promise<Checkpoint | null>;
  /** Says that what is held here has changed. */
  touch(): void;
  /** This process has become the directory's writer: from now on its positions are written, once they are as new as what is there. */
  takeOver(): Promise<void>;
  /** Blobs that the position on disk needs, as far as this process knows it. */
  blobs(): readonly string[];
  /** All positions that somebody could start from. Throws STORE_UNAVAILABLE. */
  all(): Promise<readonly Checkpoint[]>;
  /** Writes the position if it changed, and writes no more. */
  close(): Promise<void>;
}

/**
 * A position in a file of its own. `capture` gives what is to be written, or null where that cannot be now; `isWriter` says whether this
 * process may write. `onWritten` is told what the disk has, `onError` what kept it from being written or read.
 */
export function createPosition(dependencies: {
  readonly files: PositionFiles;
  /** What is held here; null holds all. */
  readonly datasets: readonly string[] | null;
  readonly clock: Clock;
  readonly capture: () => Checkpoint | null;
  readonly isWriter: () => boolean;
  readonly onWritten: (checkpoint: Checkpoint) => void;
  readonly onError: (error: unknown) => void;
}): Position {
  const { files, datasets, clock, capture, isWriter, onWritten, onError } = dependencies;
  const { own } = files;
  let needed: readonly string[] = [];
  /** What the file was when this process read it. */
  let known: { readonly stamp: string | null; readonly log: string; readonly sequence: number } | null = null;
  /** How far the positions are that others have written, by log; null until they were looked at. */
  let floors: ReadonlyMap<string, number> | null = null;

  const checkpoints = createCheckpoints({
    file: own,
    clock,
    capture() {
      if (!isWriter() || floors === null) return null;
      const checkpoint = capture();
      if (checkpoint === null) return null;
      // To go back could bring what was reverted since, whose mark went when a position had passed it.
      return checkpoint.state.sequence < (floors.get(checkpoint.log) ?? 0) ? null : checkpoint;
    },
    onWritten(checkpoint) {
      needed = blobsOf(checkpoint);
      onWritten(checkpoint);
    },
    onError,
  });

  const loadOwn = async (): Promise<Checkpoint | null> => {
    const stamp = own.stamp();
    const checkpoint = await checkpoints.load();
    known = checkpoint && { stamp, log: checkpoint.log, sequence: checkpoint.state.sequence };
    return checkpoint;
  };

  /** What is damaged is no position, and the next one takes its place. */
  const readOwn = async (): Promise<typeof known> => {
    known = null;
    await loadOwn().catch(damaged);
    return known;
  };

  /** Nobody starts from one that is damaged. */
  const readOthers = async (): Promise<readonly Checkpoint[]> => {
    const others = files.all().filter((file) => file !== own);
    const checkpoints = await Promise.all(others.map((file) => readCheckpoint(file).catch(passOver)));
    return checkpoints.filter((checkpoint) => checkpoint !== null);
  };

  /** The best of what is there: one that has all that is held here, else any. */
  const load = async (): Promise<Checkpoint | null> => {
    let best: Checkpoint | null = null;
    for (const file of files.all()) {
      const checkpoint = await (file === own ? loadOwn() : readCheckpoint(file)).catch(damaged);
      if (checkpoint === null) continue;
      best ??= checkpoint;
      if (!covers(checkpoint, datasets)) continue;
      best = checkpoint;
      break;
    }
    needed = best === null ? [] : blobsOf(best);
    return best;
  };

  const damaged = (error: unknown): null => {
    passOver(error);
    onError(error);
    return null;
  };

  return {
    load,
    touch: () => checkpoints.touch(),
    async takeOver() {
      floors = null;
      const found = new Map<string, number>();
      try {
        // What this process has read is read again only where another has written it since.
        if (known === null || known.stamp !== own.stamp()) known = await readOwn();
        if (known !== null) found.set(known.log, known.sequence);
        for (const { log, state } of await readOthers()) {
          found.set(log, Math.max(found.get(log) ?? 0, state.sequence));
        }
      } catch (error) {
        onError(error);
      }
      floors = found;
      checkpoints.touch();
    },
    blobs: () => needed,
    async all() {
      const mine = await readCheckpoint(own).catch(passOver);
      return [...(mine === null ? [] : [mine]), ...(await readOthers())];
    },
    close: () => checkpoints.close(),
  };
}

function passOver(error: unknown): null {
  if (!isSluiceError(error, "CORRUPT")) throw error;
  return null;
}
