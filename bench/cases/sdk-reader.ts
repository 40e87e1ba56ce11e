import { type Client, createClient } from "@sluice/sdk";
import { createDraws, keysOf } from "../data/draws.ts";
import { keyOf, type Price } from "../data/items.ts";
import { createRandom } from "../data/random.ts";
import { type ProcessMemory, processMemory } from "../measure/memory.ts";
import { createOwnClock } from "../measure/own-clock.ts";
import { serveCase } from "../processes/serve-case.ts";
import { type Reading, type Round, readsPerView } from "./reading.ts";

/** What a process that reads through the SDK can be told. */
export interface SdkReaderSteps {
  open(input: { readonly url: string; readonly cacheDirectory: string; readonly items: number }): Promise<void>;
  read(input: Round): Promise<Reading>;
  /** Times `reads` first reads of items that this process has not read yet, in nanoseconds. */
  firstReads(input: { readonly reads: number; readonly seed: number }): Float64Array;
  memory(input: null): Promise<ProcessMemory>;
  /** Writes its position, as a process that ends in order does. */
  close(input: null): Promise<void>;
}

const readyTimeoutMs = 600_000;

let client: Client<{ prices: Price }> | undefined;
const ownClock = createOwnClock();
let draws = createDraws(1);
let items = 1;

const steps: SdkReaderSteps = {
  async open({ url, cacheDirectory, items: count }) {
    client = (await createClient({
      url,
      app: "bench",
      datasets: { prices: null },
      cacheDirectory,
      readyTimeoutMs,
    })) as Client<{ prices: Price }>;
    draws = createDraws(count);
    items = count;
  },
  async read({ distribution, reads, seed }) {
    const keys = keysOf(draws.draw(distribution, reads, seed));
    globalThis.gc?.();
    const start = ownClock.now();
    const sum = readAll(opened(), keys);
    return { ns: (ownClock.now() - start) / reads, sum };
  },
  firstReads({ reads, seed }) {
    const random = createRandom(seed);
    const view = opened().view();
    return Float64Array.from({ length: reads }, () => {
      const key = keyOf(Math.floor(random() * items));
      const start = process.hrtime.bigint();
      view.get("prices", key);
      return Number(process.hrtime.bigint() - start);
    });
  },
  memory: () => processMemory(),
  close: () => opened().close(),
};

function opened(): Client<{ prices: Price }> {
  if (client === undefined) throw new Error("open comes first");
  return client;
}

function readAll(from: Client<{ prices: Price }>, keys: readonly string[]): number {
  let sum = 0;
  for (let start = 0; start < keys.length; start += readsPerView) {
    const view = from.view({ targetingKey: "user-42" });
    const end = Math.min(start + readsPerView, keys.length);
    for (let at = start; at < end; at++) sum += view.get("prices", keys[at] ?? "")?.price ?? 0;
  }
  return sum;
}

serveCase({ ...steps });
