import { readFileSync } from "node:fs";

/** What a process takes, in bytes. */
export interface ProcessMemory {
  /** Memory that no other process shares. */
  readonly privateBytes: number;
  /** What of it is objects that live. */
  readonly heapUsedBytes: number;
  /** What of it the engine holds for objects, used or not. */
  readonly heapTotalBytes: number;
}

/** What this process takes after a collection of garbage (`--expose-gc`). Linux alone. */
export async function processMemory(): Promise<ProcessMemory> {
  // Twice, and with a turn between: finalizers of the first let the second free what they held.
  globalThis.gc?.();
  await new Promise((resolve) => void setImmediate(resolve));
  globalThis.gc?.();
  const { heapUsed, heapTotal } = process.memoryUsage();
  const privateBytes = privateBytesOf(readFileSync("/proc/self/smaps_rollup", "utf8"));
  return { privateBytes, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal };
}

/** `Private_Clean` and `Private_Dirty` of a smaps_rollup, in bytes. */
export function privateBytesOf(rollup: string): number {
  const found = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)];
  if (found.length !== 2) throw new Error("expected a smaps_rollup with Private_Clean and Private_Dirty");
  return found.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1_024, 0);
}
