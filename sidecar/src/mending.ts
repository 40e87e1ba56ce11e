import { isSluiceError } from "@sluice/core";
import type { Blobs, Lines, Shelf } from "@sluice/replica";

/** Puts whole files in the place of damaged ones where nobody has another copy: by whoever has what they were made of. */
export interface Mending {
  /** Files that versions stand on and that cannot be read, as far as anybody has tried. */
  lost(): ReadonlySet<string>;
  /** Moves what is left of damaged files out of the way, so that whole ones can be written. */
  makeRoom(names: readonly string[]): Promise<void>;
  /** Whole files were written: versions are read from them at once. */
  mended(names: readonly string[]): void;
}

/** `broken` names files that were not what they should be when a version was opened. */
export function createMending(dependencies: {
  readonly blobs: Pick<Blobs, "read">;
  readonly shelf: Pick<Shelf, "damaged" | "reopen">;
  readonly lines: Pick<Lines, "missing" | "advance">;
  readonly broken: Set<string>;
}): Mending {
  const { blobs, shelf, lines, broken } = dependencies;
  return {
    lost: () => new Set([...shelf.damaged().keys(), ...lines.missing().map(({ name }) => name), ...broken]),
    async makeRoom(names) {
      for (const name of names) {
        // To read a blob proves it, and sets one aside that is not what its name says.
        await blobs.read(name).catch((error: unknown) => {
          if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) throw error;
        });
      }
    },
    mended(names) {
      for (const name of names) {
        broken.delete(name);
        if (shelf.damaged().has(name)) shelf.reopen(name);
        lines.advance(name);
      }
    },
  };
}
