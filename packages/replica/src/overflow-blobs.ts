import { isSluiceError } from "@sluice/core";
import type { Blobs, SharedBlobs } from "./blobs.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";

/** What a disk does not take is held in memory up to so many bytes. */
const overflowBytesMax = 256 * 1024 * 1024;

/** Blobs of a directory, and in memory those that its disk did not take. */
export interface OverflowBlobs extends SharedBlobs {
  /** How many are held in memory. */
  inMemory(): number;
  /** Gives the disk what it did not take, and forgets what is not needed. Gives the names of what can be read from there now. */
  settle(needed: ReadonlySet<string>): Promise<readonly string[]>;
}

/**
 * A disk that is full or cannot be written to must not keep versions from being read: what it does not take is held in memory, at
 * most `bytesMax`, and given to it later. Beyond that `put` throws what the disk said.
 */
export function createOverflowBlobs(disk: SharedBlobs, bytesMax: number = overflowBytesMax): OverflowBlobs {
  const memory = createMemoryBlobs();
  const held = new Map<string, number>();
  let heldBytes = 0;

  const of = (name: string): Blobs => (held.has(name) && !disk.has(name) ? memory : disk);

  const forget = async (name: string): Promise<void> => {
    heldBytes -= held.get(name) ?? 0;
    held.delete(name);
    await memory.delete(name);
  };

  const hold = async (name: string, bytes: Uint8Array): Promise<void> => {
    await memory.put(name, bytes);
    if (held.has(name)) return;
    held.set(name, bytes.byteLength);
    heldBytes += bytes.byteLength;
  };

  return {
    ...disk,
    has: (name) => held.has(name) || disk.has(name),
    open: (name) => of(name).open(name),
    read: (name) => of(name).read(name),
    async put(name, bytes) {
      try {
        await disk.put(name, bytes);
      } catch (error) {
        if (!isSluiceError(error, "DISK_FULL", "STORE_UNAVAILABLE")) throw error;
        if (heldBytes + bytes.byteLength > bytesMax) throw error;
        await hold(name, bytes);
      }
    },
    async delete(name) {
      await disk.delete(name);
      await forget(name);
    },
    list: async () => [...new Set([...(await disk.list()), ...held.keys()])],
    async touch(name, atMs) {
      const touched = await disk.touch(name, atMs);
      return touched === "gone" && held.has(name) ? "refused" : touched;
    },
    inMemory: () => held.size,
    async settle(needed) {
      const settled: string[] = [];
      for (const name of held.keys()) {
        if (!needed.has(name)) {
          await forget(name);
          continue;
        }
        try {
          await disk.put(name, await memory.read(name));
        } catch (error) {
          if (isSluiceError(error, "DISK_FULL", "STORE_UNAVAILABLE")) break;
          throw error;
        }
        await forget(name);
        settled.push(name);
      }
      return settled;
    },
  };
}
