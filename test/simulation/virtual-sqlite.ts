import { diskOf } from "./virtual-fs.ts";

/** `node:sqlite` whose databases on the disks of the simulation can do one thing: be locked. */
export function virtualSqlite(real: typeof import("node:sqlite")): object {
  class LockedFile {
    readonly #path: string;
    #held = false;

    constructor(path: string) {
      this.#path = path;
    }

    exec(sql: string): void {
      if (!sql.endsWith("BEGIN EXCLUSIVE")) throw new Error(`the simulation knows no ${sql}`);
      if (diskOf(this.#path)?.lock(this.#path) !== true) throw new Error("database is locked");
      this.#held = true;
    }

    close(): void {
      if (this.#held) diskOf(this.#path)?.unlock(this.#path);
      this.#held = false;
    }
  }
  const either = function (path: string): object {
    return diskOf(path) === undefined ? new real.DatabaseSync(path) : new LockedFile(path);
  };
  return { ...real, DatabaseSync: either };
}
