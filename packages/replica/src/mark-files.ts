import { isActive, type NamespaceState, own, SluiceError } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import { createOwnFiles } from "./own-files.ts";

/** A mark as it lies on disk. */
export interface StoredMark extends Mark {
  /** From which position of the log on the state says so by itself; null where the log is not known to have it. */
  readonly sequence: number | null;
}

/** The marks that the processes of a directory have on disk. */
export interface MarkFiles {
  /** The marks of every process that was ever here. Throws CORRUPT, STORE_UNAVAILABLE. */
  read(): Promise<readonly StoredMark[]>;
  /** Takes the place of what this process has written. The disk has it when this ends. Throws DISK_FULL or STORE_UNAVAILABLE. */
  write(marks: readonly StoredMark[]): Promise<void>;
  /** Whether there is any. Throws STORE_UNAVAILABLE. */
  any(): boolean;
  /** Removes files of which every position on disk says all by itself. For the directory's one writer. Throws STORE_UNAVAILABLE. */
  passed(positions: readonly PassedPosition[]): Promise<void>;
}

/** What a position on disk says about releases. */
export interface PassedPosition {
  readonly state: NamespaceState;
  readonly marks: readonly Mark[];
}

/** Files `marks.TOKEN.NUMBER` of a directory. */
export function createMarkFiles(directory: string, token: string): MarkFiles {
  const files = createOwnFiles(directory, "marks", token);
  return {
    read: async () => (await files.read()).flatMap(({ name, text }) => parsed(name, text)),
    write: (marks) => files.write(marks.length > 0 ? JSON.stringify(marks) : null),
    any: () => files.any(),
    passed: (positions) =>
      files.remove(({ name, text }) =>
        parsed(name, text).every((mark) => positions.every((position) => saysItself(position, mark))),
      ),
  };
}

/** The schemas of the wire take longer to load than a first read, so what they would say of a mark is said here. */
function parsed(name: string, text: string): readonly StoredMark[] {
  try {
    return (JSON.parse(text) as readonly Partial<StoredMark>[]).map(({ release, at, sequence = null, by, cause }) => {
      if (
        typeof release === "string" &&
        typeof at === "number" &&
        (sequence === null || typeof sequence === "number")
      ) {
        const isTold = typeof by?.name === "string" && typeof cause?.reason === "string";
        return { release, at, sequence, ...(isTold ? { by, cause } : {}) };
      }
      throw new TypeError("no mark");
    });
  } catch (cause) {
    throw new SluiceError("CORRUPT", `${name} does not have the shape of marks; the state will be fetched again`, {
      cause,
    });
  }
}

/** Whether whoever starts from a position knows of a mark without being told. */
function saysItself({ state, marks }: PassedPosition, { release, sequence }: StoredMark): boolean {
  if (sequence !== null && sequence <= state.sequence) return true;
  const known = own(state.releases, release);
  return (known !== undefined && !isActive(known)) || marks.some((mark) => mark.release === release);
}
