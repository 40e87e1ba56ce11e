import type { Random } from "./random.ts";

/** Of so many files that were written last one is most likely to turn. */
const newestFiles = 6;

/** A file: what a reader sees, and what the loss of power leaves of it. */
interface File {
  readonly inode: number;
  bytes: Buffer;
  synced: Buffer;
  touchedMs: number;
}

type Entry = File | "directory";

/** A change of names, in a directory, that power may take back until the directory is synced. */
interface NameChange {
  readonly directory: string;
  apply(names: Map<string, Entry>): void;
}

/**
 * The disk of one host. What is written can be read at once and is lost with power until it was synced: the changes of names from
 * the last one on, the bytes of a file in part or whole.
 */
export interface Disk {
  /** Ends when the disk has had its time; never where the process that waits has died. */
  turn(): Promise<void>;
  /** A new process uses the disk; `wait` is how it waits. */
  mount(wait: (delayMs: number) => Promise<void>): void;
  /** Whether writes fail for want of room. */
  full: boolean;
  /** Whether a byte of it has ever turned. */
  readonly rotten: boolean;
  /** A byte of some file becomes another one. */
  rot(): void;
  /** A file's bytes; undefined where there is none. */
  read(path: string): Buffer | undefined;
  /** What the system says of a file; undefined where there is none. */
  stat(path: string): { readonly ino: number; readonly size: number; readonly mtimeMs: number } | undefined;
  touch(path: string, atMs: number): void;
  /** Takes a file for the process that uses the disk, until it lets go or ends; makes it where there is none. False where it is taken. */
  lock(path: string): boolean;
  unlock(path: string): void;
  isDirectory(path: string): boolean;
  /** Names under a directory, in order: paths relative to it where `deep`. */
  list(path: string, deep: boolean): string[];
  makeDirectory(path: string): void;
  /** Throws ENOSPC on a full disk. */
  create(path: string): void;
  /** Throws ENOSPC on a full disk. */
  write(path: string, bytes: Uint8Array): void;
  sync(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Power is gone. */
  crash(): void;
}

/** Makes an empty disk under a path, whose files are dated by `wallMs`. */
export function createDisk(random: Random, wallMs: () => number): Disk {
  let names = new Map<string, Entry>();
  let durable = new Map<string, Entry>();
  let changes: NameChange[] = [];
  let rotten = false;
  let inode = 0;
  const locks = new Set<string>();
  let wait: (delayMs: number) => Promise<void> = () => Promise.resolve();

  const change = (path: string, apply: (names: Map<string, Entry>) => void): void => {
    apply(names);
    changes.push({ directory: path.slice(0, path.lastIndexOf("/")), apply });
  };
  const fileAt = (path: string): File => {
    const entry = names.get(path);
    if (entry === undefined || entry === "directory") throw errno("ENOENT", path);
    return entry;
  };
  const refuseWhereFull = (path: string): void => {
    if (disk.full) throw errno("ENOSPC", path);
  };
  const keep = (count: number): void => {
    for (const { apply } of changes.splice(0, count)) apply(durable);
  };
  /** What power leaves of a file that was not synced since it was written. */
  const torn = ({ bytes, synced }: File): Buffer => {
    if (bytes.equals(synced)) return bytes;
    return random.pick([synced, bytes.subarray(0, random.int(bytes.length)), bytes]);
  };

  const disk: Disk = {
    full: false,
    get rotten() {
      return rotten;
    },
    rot() {
      const files = [...names].filter(([, entry]) => entry !== "directory" && entry.bytes.length > 0);
      if (files.length === 0) return;
      // Most of what lies on a disk is content, and most of that nobody reads any more: what came last is what is read.
      const content = files.filter(([path]) => path.includes("/blobs/"));
      const latest = content.slice(-newestFiles);
      const among = latest.length > 0 && random.chance(0.8) ? latest : files;
      const [, file] = random.pick(among) as [string, File];
      const index = random.int(file.bytes.length);
      file.bytes = Buffer.from(file.bytes);
      file.bytes[index] = (file.bytes[index] ?? 0) ^ (1 + random.int(255));
      file.synced = file.bytes;
      rotten = true;
    },
    async turn() {
      if (random.chance(0.5)) await wait(random.between(0.1, random.chance(0.05) ? 300 : 8));
    },
    mount(how) {
      wait = how;
      locks.clear();
    },
    read(path) {
      const entry = names.get(path);
      return entry === undefined || entry === "directory" ? undefined : entry.bytes;
    },
    stat(path) {
      const entry = names.get(path);
      if (entry === undefined || entry === "directory") return undefined;
      return { ino: entry.inode, size: entry.bytes.length, mtimeMs: entry.touchedMs };
    },
    touch(path, atMs) {
      fileAt(path).touchedMs = atMs;
    },
    lock(path) {
      if (locks.has(path)) return false;
      if (!names.has(path)) disk.create(path);
      locks.add(path);
      return true;
    },
    unlock: (path) => void locks.delete(path),
    isDirectory: (path) => names.get(path) === "directory",
    list(path, deep) {
      const inside = [...names.keys()].filter((name) => name.startsWith(`${path}/`));
      const relative = inside.map((name) => name.slice(path.length + 1)).sort();
      return deep ? relative : relative.filter((name) => !name.includes("/"));
    },
    makeDirectory(path) {
      if (!names.has(path)) change(path, (map) => void map.set(path, "directory"));
    },
    create(path) {
      refuseWhereFull(path);
      inode += 1;
      const file: File = { inode, bytes: Buffer.alloc(0), synced: Buffer.alloc(0), touchedMs: wallMs() };
      change(path, (map) => void map.set(path, file));
    },
    write(path, bytes) {
      refuseWhereFull(path);
      const file = fileAt(path);
      file.bytes = Buffer.from(bytes);
      file.touchedMs = wallMs();
    },
    sync(path) {
      const entry = names.get(path);
      if (entry === "directory") keep(changes.findLastIndex(({ directory }) => directory === path) + 1);
      else fileAt(path).synced = fileAt(path).bytes;
    },
    rename(from, to) {
      fileAt(from);
      change(to, (map) => {
        const entry = map.get(from);
        if (entry !== undefined) map.set(to, entry);
        map.delete(from);
      });
    },
    remove(path) {
      change(path, (map) => void map.delete(path));
    },
    crash() {
      keep(random.int(changes.length + 1));
      changes = [];
      for (const entry of new Set(durable.values())) {
        if (entry === "directory") continue;
        entry.bytes = torn(entry);
        entry.synced = entry.bytes;
      }
      names = new Map(durable);
      durable = new Map(durable);
    },
  };
  return disk;
}

/** An error as Node throws it. */
export function errno(code: "ENOENT" | "ENOSPC" | "EEXIST", path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
