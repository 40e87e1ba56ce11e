import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf } from "../data/items.ts";
import { createRandom } from "../data/random.ts";
import { send } from "../processes/instance.ts";
import { serveCase } from "../processes/serve-case.ts";
import { stampedIndex } from "./stamp.ts";

/** What a process that sends patches can be told. */
export interface PatcherSteps {
  connect(input: { readonly url: string; readonly limitUrl: string; readonly items: number }): void;
  /**
   * Patches one item after the other, and posts the same body to the limit's server in between; the pauses are drawn, so that no
   * timer of the other side is met always at the same moment. Gives when each call began, on the monotonic clock in nanoseconds, and how long each
   * of the limit's calls took.
   */
  single(input: {
    readonly first: number;
    readonly count: number;
  }): Promise<{ starts: Float64Array; limits: Float64Array }>;
  /** Sends patches at a rate whether they are answered or not; ends when all are answered. */
  load(input: Load): Promise<LoadResult>;
}

/** Patches at a rate. */
export interface Load {
  /** Datasets with their rates; several take turns. */
  readonly streams: readonly { readonly dataset: string; readonly items: number; readonly patchesPerSecond: number }[];
  readonly keysPerPatch: number;
  readonly ms: number;
  readonly seed: number;
}

/** What became of a load. */
export interface LoadResult {
  readonly sent: number;
  readonly failed: number;
  /** Why the first one failed. */
  readonly problem: string | null;
  /** From the first patch to the last answer. */
  readonly ms: number;
}

const socketsMax = 32;
const pauseMsMin = 15;
const pauseMsMax = 45;
const tickMs = 5;

// Given up before the other side gives them up, or a patch would meet a socket that is being closed.
const agent = new Agent({ keepAlive: true, maxSockets: socketsMax, timeout: 2_000 });
let url = "";
let limitUrl = "";
let items = 1;

const steps: PatcherSteps = {
  connect(input) {
    ({ url, limitUrl, items } = input);
  },
  async single({ first, count }) {
    const random = createRandom(first);
    const starts = new Float64Array(count);
    const limits = new Float64Array(count);
    for (let at = 0; at < count; at++) {
      const body = JSON.stringify({
        items: [{ key: keyOf(stampedIndex(first + at, items)), merge: { stamp: first + at } }],
      });
      starts[at] = now();
      await send(agent, `${url}/v1/datasets/prices/patches`, "application/json", body);
      await sleep(pauseMsMin + random() * (pauseMsMax - pauseMsMin));
      const start = now();
      await send(agent, limitUrl, "application/json", body);
      limits[at] = now() - start;
      await sleep(pauseMsMin + random() * (pauseMsMax - pauseMsMin));
    }
    return { starts, limits };
  },
  async load({ streams, keysPerPatch, ms, seed }) {
    const random = createRandom(seed);
    const waiting = new Set<Promise<void>>();
    const sentOf = streams.map(() => 0);
    let failed = 0;
    let problem: string | null = null;
    const start = performance.now();
    const patch = (dataset: string, count: number): void => {
      const indices = new Set<number>();
      while (indices.size < keysPerPatch) indices.add(Math.floor(random() * count));
      const changes = Array.from(indices, (index) => ({
        key: keyOf(index),
        merge: { price: 1 + Math.floor(random() * 90_000) },
      }));
      const path = `${url}/v1/datasets/${dataset}/patches`;
      const sending = send(agent, path, "application/json", JSON.stringify({ items: changes }))
        .then(
          () => undefined,
          (error: unknown) => {
            failed++;
            problem ??= String(error);
          },
        )
        .finally(() => waiting.delete(sending));
      waiting.add(sending);
    };
    for (let passed = 0; passed < ms; passed = performance.now() - start) {
      for (const [at, { dataset, items: count, patchesPerSecond }] of streams.entries()) {
        const due = Math.floor((passed / 1_000) * patchesPerSecond);
        for (let sent = sentOf[at] ?? 0; sent < due; sent++) patch(dataset, count);
        sentOf[at] = due;
      }
      await sleep(tickMs);
    }
    await Promise.all(waiting);
    return { sent: sentOf.reduce((sum, sent) => sum + sent, 0), failed, problem, ms: performance.now() - start };
  },
};

function now(): number {
  return Number(process.hrtime.bigint());
}

serveCase({ ...steps });
