import { isSluiceError } from "@sluice/core";
import type { NeededBlob, Shelf } from "./shelf.ts";

/** Mends blobs on disk that turned out to be corrupt. */
export interface Repairs {
  /** Looks at a blob that could not be read: sets it aside, to be fetched again, or opens it anew where it is sound. */
  mend(name: string): void;
  /** Damaged parts that are to be fetched again. */
  needed(): readonly NeededBlob[];
  /** A blob has come to be kept. True where a damaged part was opened anew. */
  arrived(name: string): boolean;
  /** Blobs that were not what they should be. */
  corrupt(): number;
}

/** `onChange` is called when something was set aside or opened anew. */
export function createRepairs(dependencies: { readonly shelf: Shelf; readonly onChange: () => void }): Repairs {
  const { shelf, onChange } = dependencies;
  const looking = new Set<string>();
  /** Whole on disk, and yet not to be read: what was published is wrong, and another look changes nothing. */
  const sound = new Set<string>();
  const lost = new Map<string, NeededBlob>();
  let corrupt = 0;

  const look = async (name: string): Promise<void> => {
    try {
      await shelf.blobs.read(name);
      if (sound.has(name)) return;
      sound.add(name);
      shelf.reopen(name);
    } catch (error) {
      // The disk does not answer: the next read that fails asks again.
      if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) return;
      corrupt++;
      const part = shelf.damaged().get(name);
      if (part !== undefined) lost.set(name, { name, bytes: part.bytes });
    }
  };

  return {
    mend(name) {
      if (looking.has(name)) return;
      looking.add(name);
      void look(name).finally(() => {
        looking.delete(name);
        onChange();
      });
    },
    needed: () => [...lost.values()],
    arrived(name) {
      if (!lost.delete(name)) return false;
      try {
        shelf.reopen(name);
      } catch {
        // Whoever reads the part next finds it damaged still, and it is looked at again.
        return false;
      }
      return true;
    },
    corrupt: () => corrupt,
  };
}
