import type { Clock } from "@sluice/core";

/** That a disk does not take what has to outlive the process. */
export interface DiskFault {
  /** Since the first write that failed, in milliseconds. */
  readonly lastsMs: number;
  /** What the last one failed with. */
  readonly error: unknown;
}

/** Whether a disk takes what is written to it, by what became of that. */
export interface DiskHealth {
  /** The same writer, watched: one that fails is a fault until it succeeds itself. */
  watched<Writer extends { readonly write: (text: never) => Promise<void> }>(writer: Writer): Writer;
  /** Null where every writer's last write has succeeded. */
  fault(): DiskFault | null;
}

/** Knows of no fault at first. Writers try again by themselves. */
export function createDiskHealth(clock: Pick<Clock, "now">): DiskHealth {
  const failing = new Map<object, { readonly sinceMs: number; readonly error: unknown }>();
  return {
    watched(writer) {
      const { write } = writer;
      return {
        ...writer,
        async write(text: never) {
          try {
            await write(text);
            failing.delete(writer);
          } catch (error) {
            failing.set(writer, { sinceMs: failing.get(writer)?.sinceMs ?? clock.now(), error });
            throw error;
          }
        },
      };
    },
    fault() {
      const [first] = [...failing.values()].sort((a, b) => a.sinceMs - b.sinceMs);
      return first === undefined ? null : { lastsMs: clock.now() - first.sinceMs, error: first.error };
    },
  };
}
