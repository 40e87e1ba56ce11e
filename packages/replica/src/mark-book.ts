import { isActive, type NamespaceState, own } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import type { MarkFiles, StoredMark } from "./mark-files.ts";

/** The marks that a replica holds, and the reverts that it confirmed before its position on disk says so. */
export interface MarkBook {
  /** Takes a mark. False where it is held already or the release has ended in `state`. */
  add(mark: Mark, state: NamespaceState): boolean;
  /** Takes a revert that the log has at `sequence`, so that it survives a crash before the next checkpoint. */
  reverted(mark: Mark, sequence: number): void;
  /** Takes out the marks of releases that have ended in `state`; they stay on disk like reverts. */
  settle(state: NamespaceState): void;
  /** Drops what a position on disk with this sequence number says by itself. */
  written(sequence: number): void;
  /** Marks whose release has not ended in the log as far as it is known here. */
  marks(): readonly Mark[];
  /** Active releases of a state that new views must not see the candidate of. */
  inForce(state: NamespaceState): ReadonlySet<string>;
  /** Waits until the disk has all of it. Throws DISK_FULL or STORE_UNAVAILABLE. */
  sync(): Promise<void>;
  /** Takes what the disk has of every process that was here. Throws CORRUPT. */
  load(): Promise<void>;
  /** Forgets everything: the log is another one. */
  clear(): void;
}

/** Marks of releases that the state has never named are kept up to this number, the newest; those of active releases all. */
export const unknownMarksMax = 100;

/** Whether a state says that a release has ended. */
function ended(release: string, state: NamespaceState): boolean {
  const known = own(state.releases, release);
  return known !== undefined && !isActive(known);
}

/** Reverts that a position on disk has still to pass are kept up to this number, the newest. */
const revertsMax = 1_000;

const none: ReadonlySet<string> = new Set();

/** Keeps marks in files of this process's own; null keeps them in memory. */
export function createMarkBook(files: Pick<MarkFiles, "read" | "write"> | null): MarkBook {
  const marks = new Map<string, Mark>();
  const reverts = new Map<string, { readonly mark: Mark; readonly sequence: number }>();
  let synced = "[]";

  const keepRevert = (mark: Mark, sequence: number): void => {
    reverts.delete(mark.release);
    reverts.set(mark.release, { mark, sequence });
    const [oldest] = reverts.keys();
    if (reverts.size > revertsMax && oldest !== undefined) reverts.delete(oldest);
  };

  const stored = (): readonly StoredMark[] => [
    ...[...marks.values()].map((mark) => ({ ...mark, sequence: null })),
    // The log has who and why.
    ...[...reverts.values()].map(({ mark: { release, at }, sequence }) => ({ release, at, sequence })),
  ];

  const forgetUnknown = (state: NamespaceState): void => {
    const unknown = [...marks.values()].filter(({ release }) => own(state.releases, release) === undefined);
    unknown.sort((a, b) => b.at - a.at);
    for (const { release } of unknown.slice(unknownMarksMax)) marks.delete(release);
  };

  return {
    add(mark, state) {
      if (marks.has(mark.release) || ended(mark.release, state)) return false;
      marks.set(mark.release, mark);
      forgetUnknown(state);
      return marks.has(mark.release);
    },
    reverted: keepRevert,
    settle(state) {
      for (const [release, mark] of marks) {
        if (!ended(release, state)) continue;
        marks.delete(release);
        // The position on disk may still say that it runs, or be from before it began.
        keepRevert(mark, state.sequence);
      }
    },
    written(writtenSequence) {
      for (const [release, { sequence }] of reverts) if (sequence <= writtenSequence) reverts.delete(release);
    },
    marks: () => [...marks.values()],
    inForce(state) {
      if (marks.size === 0) return none;
      return new Set([...marks.keys()].filter((release) => own(state.releases, release) !== undefined));
    },
    async sync() {
      const its = stored();
      const text = JSON.stringify(its);
      if (files === null || text === synced) return;
      await files.write(its);
      synced = text;
    },
    async load() {
      for (const { sequence: _sequence, ...mark } of (await files?.read()) ?? []) {
        // Of several processes that hold it, one may know why.
        if (marks.get(mark.release)?.cause === undefined) marks.set(mark.release, mark);
      }
    },
    clear() {
      marks.clear();
      reverts.clear();
    },
  };
}
