import { type Disk, errno } from "./disk.ts";

/** Paths under this one lie on the disks of the simulation. */
const root = "/sluice-simulation/";

/** The file system is the one thing that is asked of the machine by name, so what stands in for it has to be found by name too. */
const disks = new Map<string, Disk>();
const opened = new Map<number, { readonly bytes: Buffer }>();
let lastDescriptor = 1_000_000;

/** Lays a disk under a path of its own and gives that path. */
export function attachDisk(name: string, disk: Disk): string {
  disks.set(`${root}${name}`, disk);
  return `${root}${name}`;
}

/** Takes away every disk. */
export function detachDisks(): void {
  disks.clear();
  opened.clear();
}

/** `node:fs` whose functions know the disks of the simulation; every other path goes to the machine's. */
export function virtualFs(real: typeof import("node:fs")): object {
  const {
    openSync,
    closeSync,
    fstatSync,
    readSync,
    mkdirSync,
    readdirSync,
    rmSync,
    statSync,
    accessSync,
    readFileSync,
    utimesSync,
  } = real;
  return {
    ...real,
    openSync: either(openSync, (disk, path, flags) => {
      if (flags === "wx") makeFile(disk, path);
      const bytes = disk.read(path);
      if (bytes === undefined) throw errno("ENOENT", path);
      lastDescriptor += 1;
      opened.set(lastDescriptor, { bytes });
      return lastDescriptor;
    }),
    closeSync: (descriptor: number) => {
      if (!opened.delete(descriptor)) closeSync(descriptor);
    },
    fstatSync: (descriptor: number) => {
      const file = opened.get(descriptor);
      return file === undefined ? fstatSync(descriptor) : { size: file.bytes.length };
    },
    readSync(descriptor: number, target: Buffer, offset: number, length: number, position: number) {
      const file = opened.get(descriptor);
      if (file === undefined) return readSync(descriptor, target, offset, length, position);
      return file.bytes.copy(target, offset, position, position + length);
    },
    utimesSync: either(utimesSync, (disk, path, _atS, modifiedS) => disk.touch(path, Number(modifiedS) * 1_000)),
    accessSync: either(accessSync, () => undefined),
    readFileSync: either(readFileSync, (disk, path) => {
      const bytes = disk.read(path);
      if (bytes === undefined) throw errno("ENOENT", path);
      return bytes;
    }),
    mkdirSync: either(mkdirSync, (disk, path) => makeDirectories(disk, path)),
    readdirSync: either(readdirSync, (disk, path) => disk.list(path, false)),
    rmSync: either(rmSync, (disk, path) => disk.remove(path)),
    statSync: either(statSync, (disk, path) => disk.stat(path) ?? (disk.isDirectory(path) ? {} : undefined)),
  };
}

/** `node:fs/promises`, likewise. Every call takes its time, in which power may fail. */
export function virtualPromises(real: typeof import("node:fs/promises")): object {
  const { mkdir, readdir, readFile, rename, rm, open, stat, utimes } = real;
  return {
    ...real,
    mkdir: eitherLater(mkdir, (disk, path) => makeDirectories(disk, path)),
    readdir: eitherLater(readdir, (disk, path, options) => {
      if (!disk.isDirectory(path)) throw errno("ENOENT", path);
      const isDeep = typeof options === "object" && options !== null && "recursive" in options;
      return disk.list(path, isDeep);
    }),
    readFile: eitherLater(readFile, (disk, path) => {
      const bytes = disk.read(path);
      if (bytes === undefined) throw errno("ENOENT", path);
      return bytes;
    }),
    rename: eitherLater(rename, (disk, path, to) => disk.rename(path, String(to))),
    stat: eitherLater(stat, (disk, path) => {
      const found = disk.stat(path);
      if (found === undefined) throw errno("ENOENT", path);
      return found;
    }),
    utimes: eitherLater(utimes, (disk, path, _atS, modifiedS) => disk.touch(path, Number(modifiedS) * 1_000)),
    rm: eitherLater(rm, (disk, path) => disk.remove(path)),
    open: eitherLater(open, (disk, path, flags) => {
      if (flags === "wx") makeFile(disk, path);
      else if (!disk.isDirectory(path) && disk.read(path) === undefined) throw errno("ENOENT", path);
      return {
        write: (bytes: Uint8Array, offset: number, length: number) =>
          later(disk, () => {
            const held = disk.read(path) ?? Buffer.alloc(0);
            disk.write(path, Buffer.concat([held, bytes.subarray(offset, offset + length)]));
            return { bytesWritten: length };
          }),
        sync: () => later(disk, () => disk.sync(path)),
        close: () => Promise.resolve(),
      };
    }),
  };
}

async function later<T>(disk: Disk, act: () => T): Promise<T> {
  await disk.turn();
  return act();
}

function makeFile(disk: Disk, path: string): void {
  if (disk.read(path) !== undefined) throw errno("EEXIST", path);
  disk.create(path);
}

function makeDirectories(disk: Disk, path: string): string | undefined {
  const parts = path.slice(root.length).split("/");
  const paths = parts.map((_part, index) => `${root}${parts.slice(0, index + 1).join("/")}`);
  const missing = paths.filter((each) => !disk.isDirectory(each));
  for (const each of missing) disk.makeDirectory(each);
  return missing[0];
}

/** The disk that a path lies on; undefined where it is the machine's. */
export function diskOf(path: unknown): Disk | undefined {
  if (typeof path !== "string" || !path.startsWith(root)) return undefined;
  for (const [mount, disk] of disks) if (path === mount || path.startsWith(`${mount}/`)) return disk;
  // A disk that was taken away answers nobody.
  throw errno("ENOENT", path);
}

type Act = (disk: Disk, path: string, ...rest: readonly unknown[]) => unknown;

function either<Args extends unknown[]>(real: (...args: Args) => unknown, act: Act): (...args: Args) => unknown {
  return (...args) => {
    const disk = diskOf(args[0]);
    return disk === undefined ? real(...args) : act(disk, String(args[0]), ...args.slice(1));
  };
}

function eitherLater<Args extends unknown[]>(real: (...args: Args) => unknown, act: Act): (...args: Args) => unknown {
  return (...args) => {
    const disk = diskOf(args[0]);
    return disk === undefined ? real(...args) : later(disk, () => act(disk, String(args[0]), ...args.slice(1)));
  };
}
