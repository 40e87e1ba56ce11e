import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isSluiceError } from "@sluice/core";
import { isErrno, storeError } from "./files.ts";
import { createRecordFile } from "./record-file.ts";

/**
 * Records that the processes of a directory keep beside each other. Each has files of its own, none of which is ever written twice:
 * what is removed because a position has passed it cannot be what another process has just confirmed.
 */
export interface OwnFiles {
  /** What every process that was ever here has written. Throws CORRUPT, STORE_UNAVAILABLE. */
  read(): Promise<readonly OwnRecord[]>;
  /** Takes the place of what this process has written; null removes it. The disk has it when this ends. Throws DISK_FULL or STORE_UNAVAILABLE. */
  write(text: string | null): Promise<void>;
  /** Whether there is any. Throws STORE_UNAVAILABLE. */
  any(): boolean;
  /** Removes the files that are passed. `isPassed` may throw CORRUPT. For the directory's one writer. Throws STORE_UNAVAILABLE. */
  remove(isPassed: (record: OwnRecord) => boolean): Promise<void>;
}

/** One of them. */
export interface OwnRecord {
  readonly name: string;
  readonly text: string;
}

/** A damaged file keeps every position from being served, so it goes once positions were written for so many rounds without it. */
const damagedRoundsMax = 5;

/** Files `PREFIX.TOKEN.NUMBER` of a directory. */
export function createOwnFiles(directory: string, prefix: string, token: string): OwnFiles {
  const fileOf = (name: string): ReturnType<typeof createRecordFile> => createRecordFile(join(directory, name), token);
  const pattern = new RegExp(`^${prefix}(\\.[^.]+\\.\\d+)?$`);
  const damaged = new Map<string, number>();
  let written: string | null = null;
  let number = 0;

  const list = (): readonly string[] => {
    try {
      // One file without a name of its own is what earlier builds wrote.
      return readdirSync(directory).filter((name) => pattern.test(name));
    } catch (error) {
      if (isErrno(error, "ENOENT")) return [];
      // As if there were none, the position could show what was reverted.
      throw storeError(error, `the ${prefix} in ${directory} could not be listed`);
    }
  };

  const isPassedOne = async (name: string, isPassed: (record: OwnRecord) => boolean): Promise<boolean> => {
    try {
      const text = await fileOf(name).read();
      const passed = text === null || isPassed({ name, text });
      damaged.delete(name);
      return passed;
    } catch (error) {
      if (!isSluiceError(error, "CORRUPT")) throw error;
      const rounds = (damaged.get(name) ?? 0) + 1;
      damaged.set(name, rounds);
      return rounds > damagedRoundsMax;
    }
  };

  return {
    async read() {
      const records: OwnRecord[] = [];
      for (const name of list()) {
        const text = await fileOf(name).read();
        // Removed since it was listed: the position on disk says it by itself, and is read after this.
        if (text !== null) records.push({ name, text });
      }
      return records;
    },
    async write(text) {
      const before = written;
      number++;
      const name = `${prefix}.${token}.${number}`;
      if (text !== null) await fileOf(name).write(text);
      written = text === null ? null : name;
      if (before !== null)
        await fileOf(before)
          .remove()
          .catch(() => {});
    },
    any: () => list().length > 0,
    async remove(isPassed) {
      for (const name of list()) {
        if (await isPassedOne(name, isPassed)) await fileOf(name).remove();
      }
    },
  };
}
