import type { Clock } from "@sluice/core";
import type { Blobs } from "@sluice/replica";
import { blobGraceMs } from "@sluice/replica";

/** Stands between those who make versions and the one who sweeps: what a version in the making relies on is not removed under it. */
export interface BlobKeeper {
  /** The blobs as those who make versions use them: what they put or find here is spared. */
  readonly blobs: Blobs;
  /** Spares, until `work` ends, what it puts or finds and whatever was needed when it began. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Spares a blob that was put or found some other way, such as in another thread. */
  touch(name: string): void;
  /** Whether a blob that has been needless since a moment of the monotonic clock has to stay all the same. */
  spares(name: string, needlessSinceMs: number): boolean;
  /** Removes a blob; who finds or puts it meanwhile waits or puts it anew. */
  delete(name: string): Promise<void>;
}

/** Over the blobs of a store. */
export function createBlobKeeper(dependencies: { readonly blobs: Blobs; readonly clock: Clock }): BlobKeeper {
  const { blobs, clock } = dependencies;
  /** When a name was last put or found. */
  const touchedMs = new Map<string, number>();
  const begunMs = new Map<symbol, number>();
  const going = new Map<string, Promise<void>>();

  const touch = (name: string): void => {
    // The oldest stand first, so that they are forgotten without a look at the others.
    touchedMs.delete(name);
    touchedMs.set(name, clock.now());
    const enoughMs = Math.min(clock.now() - blobGraceMs, oldestWorkMs());
    for (const [its, atMs] of touchedMs) {
      if (atMs >= enoughMs) break;
      touchedMs.delete(its);
    }
  };

  const oldestWorkMs = (): number => Math.min(...begunMs.values());

  return {
    blobs: {
      ...blobs,
      has(name) {
        if (going.has(name) || !blobs.has(name)) return false;
        touch(name);
        return true;
      },
      async put(name, bytes) {
        touch(name);
        await going.get(name);
        await blobs.put(name, bytes);
        touch(name);
      },
    },
    async during(work) {
      const key = Symbol("work");
      begunMs.set(key, clock.now());
      try {
        return await work();
      } finally {
        begunMs.delete(key);
      }
    },
    touch,
    spares(name, needlessSinceMs) {
      const atMs = touchedMs.get(name) ?? Number.NEGATIVE_INFINITY;
      return clock.now() - atMs < blobGraceMs || atMs >= oldestWorkMs() || needlessSinceMs >= oldestWorkMs();
    },
    async delete(name) {
      const gone = blobs.delete(name).finally(() => going.delete(name));
      going.set(name, gone);
      await gone;
    },
  };
}
