import { isActive, type NamespaceState, own } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import type { RecordFile } from "./record-file.ts";

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
  /** Takes what the disk has. Throws CORRUPT. */
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

const none: ReadonlySet<string> = new Set();

/** Keeps marks in a record file; null keeps them in memory. */
export function createMarkBook(file: RecordFile | null): MarkBook {
  const marks = new Map<string, Mark>();
  const reverts = new Map<string, { readonly mark: Mark; readonly sequence: number }>();
  let synced = "[]";

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
    reverted: (mark, sequence) => void reverts.set(mark.release, { mark, sequence }),
    settle(state) {
      for (const [release, mark] of marks) {
        if (!ended(release, state)) continue;
        marks.delete(release);
        // The position on disk may still say that it runs, or be from before it began.
        reverts.set(release, { mark, sequence: state.sequence });
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
      const text = JSON.stringify([...marks.values(), ...[...reverts.values()].map(({ mark }) => mark)]);
      if (file === null || text === synced) return;
      await file.write(text);
      synced = text;
    },
    async load() {
      const text = (await file?.read()) ?? null;
      if (text === null) return;
      for (const mark of JSON.parse(text) as Mark[]) marks.set(mark.release, mark);
      synced = text;
    },
    clear() {
      marks.clear();
      reverts.clear();
    },
  };
}
