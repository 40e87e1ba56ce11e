import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "@sluice/sdk";
import { createDraws, keysOf } from "../data/draws.ts";
import { keyOf, type Price, priceOf } from "../data/items.ts";
import { serveCase } from "../processes/serve-case.ts";
import { until } from "../processes/until.ts";
import { stampedIndex } from "./stamp.ts";

/** What a process that reads while patches arrive can be told. */
export interface PatchReaderSteps {
  open(input: { readonly url: string; readonly cacheDirectory: string; readonly items: number }): Promise<void>;
  /** Ends when new views read this version or a later one. */
  reaches(number: number): Promise<void>;
  /** Notes from now on when the patches with stamps from `first` become visible. */
  watch(input: { readonly first: number; readonly count: number }): void;
  /** Ends when all are visible; gives when each was, on the monotonic clock in nanoseconds. */
  seen(input: null): Promise<Float64Array>;
  /** Reads batches of 100 items by Zipf's law for a while. */
  batches(input: { readonly ms: number; readonly seed: number }): Promise<Batches>;
  /** Processor time that this process takes within a while, in microseconds. */
  processorTime(input: { readonly ms: number }): Promise<number>;
  /** Processor time of parsing and hashing `count` items, in microseconds. */
  parseAndHash(input: { readonly count: number }): number;
  /** The same of ten items a hundred times a second for a while, the process resting in between. */
  pacedParseAndHash(input: { readonly ms: number }): Promise<Paced>;
}

/** How long batches took, in nanoseconds. */
export interface Batches {
  readonly durations: Float64Array;
  /** From when a batch was due to its end: what a request waits for that comes while something else runs. */
  readonly waits: Float64Array;
}

/** Processor time in microseconds, and of how many items. */
export interface Paced {
  readonly microseconds: number;
  readonly count: number;
}

const pacedMs = 10;
const pacedItems = 10;
const readsPerBatch = 100;
const pauseMs = 2;

let client: Client<{ prices: Price }> | undefined;
let items = 1;
let first = 0;
let times = new Float64Array(0);
let seenCount = 0;

const steps: PatchReaderSteps = {
  async open({ url, cacheDirectory, items: count }) {
    items = count;
    client = (await createClient({
      url,
      app: "bench",
      datasets: { prices: null },
      cacheDirectory,
      readyTimeoutMs: 600_000,
    })) as Client<{ prices: Price }>;
    client.on("version", look);
  },
  async reaches(number) {
    await until(
      () => (client?.view().version("prices") ?? 0) >= number,
      () => `the reader is not at version ${number}`,
    );
  },
  watch({ first: from, count }) {
    first = from;
    times = new Float64Array(count);
    seenCount = 0;
  },
  async seen() {
    await until(
      () => seenCount >= times.length,
      () => `only ${seenCount} of ${times.length} patches are visible`,
    );
    return times;
  },
  async batches({ ms, seed }) {
    const draws = createDraws(items);
    const most = Math.ceil(ms / pauseMs);
    const keys = keysOf(draws.draw("zipf", most * readsPerBatch, seed));
    globalThis.gc?.();
    const durations: number[] = [];
    const waits: number[] = [];
    const end = performance.now() + ms;
    for (let batch = 0; batch < most && performance.now() < end; batch++) {
      const due = now() + pauseMs * 1_000_000;
      await sleep(pauseMs);
      const start = now();
      const view = opened().view({ targetingKey: "user-42" });
      for (let at = batch * readsPerBatch; at < (batch + 1) * readsPerBatch; at++) view.get("prices", keys[at] ?? "");
      const done = now();
      durations.push(done - start);
      waits.push(done - due);
    }
    return { durations: Float64Array.from(durations), waits: Float64Array.from(waits) };
  },
  async processorTime({ ms }) {
    const before = process.cpuUsage();
    await sleep(ms);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  },
  parseAndHash({ count }) {
    const texts = textsOf(count);
    parseAndHash(texts);
    const before = process.cpuUsage();
    parseAndHash(texts);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  },
  async pacedParseAndHash({ ms }) {
    const texts = textsOf((ms / pacedMs + 1) * pacedItems);
    const before = process.cpuUsage();
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < ms) {
      const due = Math.floor((performance.now() - start) / pacedMs) * pacedItems;
      parseAndHash(texts.slice(count, due));
      count = due;
      await sleep(pacedMs);
    }
    const { user, system } = process.cpuUsage(before);
    return { microseconds: user + system, count };
  },
};

function textsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => JSON.stringify(priceOf(index % items, 0)));
}

function parseAndHash(texts: readonly string[]): void {
  for (const text of texts) {
    if ((JSON.parse(text) as Price).price <= 0) throw new Error("a price of nothing");
    createHash("sha256").update(text).digest();
  }
}

/** New views see a version when its listeners are called; which patches are in it, only the items say. */
function look(): void {
  if (seenCount >= times.length) return;
  const view = opened().view();
  const at = now();
  while (seenCount < times.length) {
    const stamp = first + seenCount;
    if (view.get("prices", keyOf(stampedIndex(stamp, items)))?.stamp !== stamp) return;
    times[seenCount++] = at;
  }
}

function opened(): Client<{ prices: Price }> {
  if (client === undefined) throw new Error("open comes first");
  return client;
}

function now(): number {
  return Number(process.hrtime.bigint());
}

serveCase({ ...steps });
