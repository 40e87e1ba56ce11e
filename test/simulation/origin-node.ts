import { type CompactionLimits, sleep } from "@sluice/core";
import { createOrigin } from "../../sidecar/src/origin.ts";
import {
  createMemoryDisk,
  createMemoryStore,
  type MemoryDisk,
  type MemoryWrite,
  type WriteFate,
} from "../../sidecar/src/store/memory-store.ts";
import type { Serve } from "./network.ts";
import { createNodeLogger } from "./logger.ts";
import { createNode, type Ground, type Node, type Process, type Program } from "./node.ts";

/**
 * How a store fares. What is written to a `mute` one is kept and not confirmed. `lies` is for worlds that must fail: it
 * confirms what it does not keep.
 */
export type StoreMood = "fine" | "slow" | "down" | "mute" | "full" | "lies";

/** The origin, and the disk that outlives its processes. */
export interface OriginNode extends Node<Program & { readonly serve: Serve }> {
  readonly disk: MemoryDisk;
  /** How the store fares from now on, and how likely the process dies at a write. */
  setStore(mood: StoreMood, crashes: number): void;
}

export const originHost = "origin";
export const originUrl: string = `http://${originHost}`;

/** A world is short, so that lines are compacted all the time in it. */
const smallCompaction: CompactionLimits = {
  overlayItemsMax: 6,
  overlayBytesMax: 4_096,
  layersPerTier: 2,
  layerBytesMax: 262_144,
  foldRecordsMin: 20,
  foldShare: 1 / 8,
  layersMax: 4,
};

/** Makes the origin's host, on which nothing runs yet. `onDeath` is called whenever its process has ended. */
export function createOriginNode(ground: Ground, onDeath: () => void): OriginNode {
  const disk = createMemoryDisk();
  const logger = createNodeLogger(originHost, ground.trace, ground.fatal);
  let mood: StoreMood = "fine";
  let crashes = 0;

  const fateOf = async (process: Process, { kind }: MemoryWrite): Promise<WriteFate> => {
    const { random, clock } = process;
    if (mood === "slow" || random.chance(0.3)) await sleep(clock, random.between(0, mood === "slow" ? 1_500 : 10));
    if (random.chance(crashes)) {
      // After the write has met its fate, and before anything else happens.
      ground.clock.setTimer(0, () => {
        if (node.process() === process) node.kill(random.chance(0.7) ? "reset" : "silence");
      });
      return { durable: random.chance(0.5), answer: "crash" };
    }
    if (mood === "down") return { durable: random.chance(0.3), answer: "STORE_UNAVAILABLE" };
    if (mood === "mute") return { durable: true, answer: "STORE_UNAVAILABLE" };
    if (mood === "full") return { durable: false, answer: "DISK_FULL" };
    // A blob is looked for right after it was put, so that a lie about one comes to light there and not in the log.
    return { durable: mood !== "lies" || kind === "blob", answer: "ok" };
  };

  const launch = async (process: Process): Promise<Program & { readonly serve: Serve }> => {
    const { clock, random, joined } = process;
    const store = createMemoryStore({ id: "log-1", disk, clock, fate: (write) => fateOf(process, write) });
    joined.onEnd(() => {
      store.crash();
      onDeath();
    });
    const origin = await createOrigin({
      store,
      clock,
      random: random.next,
      instance: `origin-${process.run}`,
      fetch: joined.fetch,
      logger,
      spoolDirectory: null,
      yieldNow: () => sleep(clock, 0),
      compaction: smallCompaction,
      // So that most of what a world has done is let go of before it ends.
      retention: { keepPatchesMs: 2_000, keepVersionsMs: 10_000 },
    });
    return { serve: (request) => origin.app.fetch(request), close: () => origin.close() };
  };

  const node = createNode(ground, originHost, { disk: null, launch });
  return {
    ...node,
    disk,
    setStore(nextMood, nextCrashes) {
      mood = nextMood;
      crashes = nextCrashes;
    },
  };
}
