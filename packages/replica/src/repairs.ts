import { isSluiceError } from "@sluice/core";
import type { NeededBlob, Shelf } from "./shelf.ts";

/** Mends blobs on disk that turned out to be corrupt. */
export interface Repairs {
  /** Looks at a blob that could not be read: sets it aside, to be fetched again, or opens it anew where it is sound. */
  mend(name: string): void;
  /** Takes a blob whose file is gone, although what was opened of it is read on: it is to be fetched again. */
  lose(blob: NeededBlob): void;
  /** Opens a part anew, from where its blob lies now. */
  reopen(name: string): void;
  /** Looks again where the disk did not answer. */
  retry(): void;
  /** Damaged parts, and those that are gone, that are to be fetched again, for as long as anything stands on them. */
  needed(): readonly NeededBlob[];
  /** A blob has come to be kept: a damaged part is opened anew. */
  arrived(name: string): void;
  /** Blobs that were not what they should be. */
  corrupt(): number;
}

/** `onSound` is called for a blob that is whole, its part opened anew; `onGone` when one was set aside. */
export function createRepairs(dependencies: {
  readonly shelf: Shelf;
  readonly onSound: (name: string) => void;
  readonly onGone: () => void;
}): Repairs {
  const { shelf, onSound, onGone } = dependencies;
  const looking = new Set<string>();
  /** Whole on disk, and yet not to be read: what was published is wrong, and another look changes nothing. */
  const sound = new Set<string>();
  const lost = new Map<string, NeededBlob>();
  /** The disk did not say. */
  const unsaid = new Set<string>();
  let corrupt = 0;

  const look = async (name: string): Promise<void> => {
    try {
      await shelf.blobs.read(name);
      if (!sound.has(name)) shelf.reopen(name);
      sound.add(name);
    } catch (error) {
      if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) {
        unsaid.add(name);
        return;
      }
      corrupt++;
      const part = shelf.damaged().get(name);
      if (part !== undefined) lost.set(name, { name, bytes: part.bytes });
      onGone();
      return;
    }
    onSound(name);
  };

  const mend = (name: string): void => {
    if (looking.has(name)) return;
    looking.add(name);
    unsaid.delete(name);
    void look(name).finally(() => looking.delete(name));
  };

  const reopen = (name: string): void => {
    try {
      shelf.reopen(name);
    } catch (error) {
      // Gone again already: whoever reads the part next finds it damaged still.
      if (!isSluiceError(error)) throw error;
    }
  };

  return {
    mend,
    lose: (blob) => void lost.set(blob.name, blob),
    reopen,
    retry() {
      for (const name of unsaid) mend(name);
    },
    needed() {
      for (const names of [lost, sound]) for (const name of names.keys()) if (!shelf.isOpen(name)) names.delete(name);
      return [...lost.values()];
    },
    arrived(name) {
      if (lost.delete(name)) reopen(name);
    },
    corrupt: () => corrupt,
  };
}
