import { statSync } from "node:fs";

/** The right to be a directory's writer, until it is given back or the process ends in whatever way. */
export interface WriterLock {
  /** False where somebody took the file away: whoever locks the one that is there now is as much in the right. */
  isHeld(): boolean;
  release(): void;
}

/** How a process asks for it. Null where another one has it, or where this one may not write there. */
export type TakeWriterLock = (file: string) => Promise<WriterLock | null>;

/**
 * Takes an exclusive transaction on a file, which the system takes back when the process or thread ends, by kill -9 too. Not for
 * network file systems, where such locks are not reliable. Nothing else may open the file: the system gives up all locks that a
 * process has on a file as soon as the process closes it once, anywhere.
 */
export const takeWriterLock: TakeWriterLock = async (file) => {
  // Loaded by whoever gets here, which is after the first read.
  const { DatabaseSync } = await import("node:sqlite");
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    database = new DatabaseSync(file);
    // The journal would be one more file that a kill leaves.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch {
    // Another process has it, or the directory is read-only, gone, or full: all of them may change.
    database?.close();
    return null;
  }
  const held = database;
  const inode = inodeOf(file);
  return {
    isHeld: () => inode !== null && inodeOf(file) === inode,
    release: () => held.close(),
  };
};

function inodeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? null;
}
