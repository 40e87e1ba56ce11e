import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isActive, isSluiceError, type NamespaceState, own, SluiceError } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import { isErrno, storeError } from "./files.ts";
import { createRecordFile } from "./record-file.ts";

/** A mark as it lies on disk. */
export interface StoredMark extends Mark {
  /** From which position of the log on the state says so by itself; null where the log is not known to have it. */
  readonly sequence: number | null;
}

/**
 * The marks that the processes of a directory have on disk. Each has files of its own, none of which is ever written twice: what is
 * removed because a position has passed it cannot be what another process has just confirmed.
 */
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

/** A damaged file keeps every position from being served, so it goes once positions were written for so many rounds without it. */
const damagedRoundsMax = 5;

/** Files `marks.TOKEN.NUMBER` of a directory. */
export function createMarkFiles(directory: string, token: string): MarkFiles {
  const fileOf = (name: string): ReturnType<typeof createRecordFile> => createRecordFile(join(directory, name), token);
  const damaged = new Map<string, number>();
  let written: string | null = null;
  let number = 0;

  const list = (): readonly string[] => {
    try {
      // One file without a name of its own is what earlier builds wrote.
      return readdirSync(directory).filter((name) => /^marks(\.[^.]+\.\d+)?$/.test(name));
    } catch (error) {
      if (isErrno(error, "ENOENT")) return [];
      // As if there were none, the position could show what was reverted.
      throw storeError(error, `the marks in ${directory} could not be listed`);
    }
  };

  const readOne = async (name: string): Promise<readonly StoredMark[]> => {
    // Removed since it was listed: the position on disk says it by itself, and is read after this.
    return parsed(name, (await fileOf(name).read()) ?? "[]");
  };

  return {
    async read() {
      const marks: StoredMark[] = [];
      for (const name of list()) marks.push(...(await readOne(name)));
      return marks;
    },
    async write(marks) {
      const before = written;
      number++;
      const name = `marks.${token}.${number}`;
      if (marks.length > 0) await fileOf(name).write(JSON.stringify(marks));
      written = marks.length > 0 ? name : null;
      if (before !== null)
        await fileOf(before)
          .remove()
          .catch(() => {});
    },
    any: () => list().length > 0,
    async passed(positions) {
      for (const name of list()) {
        if (await isPassed(name, positions)) await fileOf(name).remove();
      }
    },
  };

  async function isPassed(name: string, positions: readonly PassedPosition[]): Promise<boolean> {
    try {
      const marks = await readOne(name);
      damaged.delete(name);
      return marks.every((mark) => positions.every((position) => saysItself(position, mark)));
    } catch (error) {
      if (!isSluiceError(error, "CORRUPT")) throw error;
      const rounds = (damaged.get(name) ?? 0) + 1;
      damaged.set(name, rounds);
      return rounds > damagedRoundsMax;
    }
  }
}

/** The schemas of the wire take longer to load than a first read, so what they would say of a mark is said here. */
function parsed(name: string, text: string): readonly StoredMark[] {
  try {
    return (JSON.parse(text) as readonly Partial<StoredMark>[]).map(({ release, at, sequence = null }) => {
      if (
        typeof release === "string" &&
        typeof at === "number" &&
        (sequence === null || typeof sequence === "number")
      ) {
        return { release, at, sequence };
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
