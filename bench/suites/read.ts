import type { PeerReaderSteps } from "../cases/peer-reader.ts";
import type { Reading } from "../cases/reading.ts";
import { readsPerView } from "../cases/reading.ts";
import type { SdkReaderSteps } from "../cases/sdk-reader.ts";
import type { Distribution } from "../data/draws.ts";
import { dropPageCache, filesUnder, pageCacheBytes } from "../measure/page-cache.ts";
import { median, quantile, ratiosOf } from "../measure/statistics.ts";
import type { PeerName } from "../peers/peer.ts";
import { redisVersion, startRedis } from "../processes/redis.ts";
import { durationText } from "../report/number.ts";
import {
  atLeast,
  atMost,
  type Chart,
  measuredRow,
  reported,
  type Row,
  skippedRow,
  type Target,
} from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

/** A side of a comparison: what reads, and how many times a round. */
interface Side {
  readonly name: "sdk" | PeerName;
  readonly reads: number;
  read(distribution: Distribution, reads: number, seed: number): Promise<Reading>;
}

/** Nanoseconds a read, by side and round. */
type Times = ReadonlyMap<string, readonly number[]>;

interface Sizes {
  readonly rounds: number;
  readonly reads: number;
  readonly warmReads: number;
  readonly coldDrops: number;
}

const coldReadsPerDrop = 4;
const zipfPeers = ["map", "slices", "lmdb", "sqlite"] as const;
const redisPeers = ["redis-sequential", "redis-pipelined"] as const;

/** How fast one item is read, beside everything else that keeps a million of them. */
export const readSuite: Suite = {
  name: "read",
  about: "one item, out of a million, beside a Map, lru-cache, lmdb, node:sqlite and Redis",
  async run(context) {
    const { stage, quick } = context;
    const sizes: Sizes = quick
      ? { rounds: 3, reads: 50_000, warmReads: 100_000, coldDrops: 5 }
      : { rounds: 7, reads: 400_000, warmReads: 1_000_000, coldDrops: 75 };
    const instance = await stage.instance();
    const cacheDirectory = stage.directory("cache");
    const openSdk = async (): Promise<Side> => {
      const reader = stage.cases.start<SdkReaderSteps>(new URL("../cases/sdk-reader.ts", import.meta.url));
      await reader.call("open", { url: instance.url, cacheDirectory, items: context.items });
      return sideOf("sdk", sizes.reads, (round) => reader.call("read", round));
    };

    const zipf = await compare(context, "zipf", sizes, [openSdk, ...openers(context, sizes, zipfPeers)], redisPeers);
    const hot = await compare(context, "hot", sizes, [openSdk, ...openers(context, sizes, ["map-of-hot-keys"])]);
    const uniformPeers = ["slices", "map", "lmdb", "sqlite"] as const;
    const uniform = await compare(context, "uniform", sizes, [openSdk, ...openers(context, sizes, uniformPeers)]);
    context.say("first reads from a cold disk");
    const cold = await readCold(context, instance.url, cacheDirectory, sizes);

    const rows = [
      rowOf("SDK `view.get`, Zipf / Map of parsed objects", atMost(4.5), zipf, "sdk", "map"),
      rowOf("lmdb `get` / SDK, Zipf", atLeast(1.2), zipf, "lmdb", "sdk"),
      rowOf("node:sqlite with parse / SDK, Zipf", atLeast(4), zipf, "sqlite", "sdk"),
      rowOf("Redis sequential with parse / SDK, Zipf", atLeast(25), zipf, "redis-sequential", "sdk"),
      rowOf("Redis pipelined by 20 with parse / SDK, Zipf", reported, zipf, "redis-pipelined", "sdk"),
      rowOf("SDK, Zipf / lru-cache over lazily parsed slices", reported, zipf, "sdk", "slices"),
      rowOf("SDK, hot set of 1,000 keys / `Map.get` in a Map of 1,000", atMost(3), hot, "sdk", "map-of-hot-keys"),
      rowOf("SDK, uniform, checksum on / lazily parsed slices in memory", atMost(4), uniform, "sdk", "slices"),
      rowOf("lmdb `get` / SDK, uniform", reported, uniform, "lmdb", "sdk"),
      rowOf("node:sqlite with parse / SDK, uniform", reported, uniform, "sqlite", "sdk"),
      cold,
    ];
    return {
      suite: "read",
      rows,
      charts: [chartOf("zipf", "One read, Zipf(1.0)", zipf), chartOf("uniform", "One read, uniform", uniform)],
      notes: [
        `${context.items.toLocaleString("en")} items, 100,000 decoded at most in the SDK and in lru-cache. Each side is a process of its own; they take turns, ` +
          `${sizes.rounds} rounds of ${sizes.reads.toLocaleString("en")} reads each (Redis fewer) after ${sizes.warmReads.toLocaleString("en")} to warm up, every round with new draws, ` +
          "the same on all sides. Draws and key strings are made before the clock starts; each key is a new string, as one out of a request is, and one field of each item is touched. " +
          "What the kernel says that the reading thread waited for a core, which other programs had, is taken off on every side.",
        `The SDK reads ${readsPerView} items through each view, and making the view is in its time. Its values are frozen deeply, the peers' are not. ` +
          "lmdb keeps MessagePack, its default; SQLite's file is mapped into memory; SQLite and Redis give text, which is parsed.",
        `A cold read: the files of the cache directory are dropped from the page cache (dd's nocache, checked with fincore), then ${coldReadsPerDrop} items are read that were not read before.`,
      ],
    };
  },
};

type Open = () => Promise<Side>;

function openers({ stage, items }: SuiteContext, sizes: Sizes, names: readonly PeerName[], port = 0): Open[] {
  return names.map((name) => async () => {
    const reader = stage.cases.start<PeerReaderSteps>(new URL("../cases/peer-reader.ts", import.meta.url));
    const place = { directory: stage.directory(name), port };
    await reader.call("load", { peer: name, place, ndjson: stage.ndjson(), items });
    const reads = { "redis-sequential": 40, "redis-pipelined": 10, sqlite: 4 }[name as string] ?? 1;
    return sideOf(name, Math.ceil(sizes.reads / reads), (round) => reader.call("read", round));
  });
}

function sideOf(
  name: Side["name"],
  reads: number,
  read: (round: { distribution: Distribution; reads: number; seed: number }) => Promise<Reading>,
): Side {
  return { name, reads, read: (distribution, count, seed) => read({ distribution, reads: count, seed }) };
}

/** Opens the sides, lets them read in turns, ends them. */
async function compare(
  context: SuiteContext,
  distribution: Distribution,
  sizes: Sizes,
  opens: readonly Open[],
  redisNames: readonly PeerName[] = [],
): Promise<Times> {
  const { stage, say } = context;
  const redis =
    redisNames.length > 0 && redisVersion() !== null ? stage.keep(await startRedis(stage.directory("redis"))) : null;
  const all = redis === null ? opens : [...opens, ...openers(context, sizes, redisNames, redis.port)];
  const sides: Side[] = [];
  for (const open of all) {
    say(`${distribution}: opens side ${sides.length + 1} of ${all.length}`);
    sides.push(await open());
  }
  const share = Math.max(1, sizes.warmReads / sizes.reads);
  for (const side of sides) await side.read(distribution, Math.ceil(side.reads * share), 1);
  const times = new Map<string, number[]>(sides.map(({ name }) => [name, []]));
  for (let round = 1; round <= sizes.rounds; round++) {
    say(`${distribution}: round ${round} of ${sizes.rounds}`);
    const sums = new Map<number, number>();
    for (const side of sides) {
      const { ns, sum } = await side.read(distribution, side.reads, 1 + round);
      times.get(side.name)?.push(ns);
      if (sum !== (sums.get(side.reads) ?? sum)) throw new Error(`${side.name} read something else than the others`);
      sums.set(side.reads, sum);
    }
  }
  await stage.cases.clear();
  await redis?.end();
  return times;
}

async function readCold(context: SuiteContext, url: string, cacheDirectory: string, sizes: Sizes): Promise<Row> {
  const { stage, items } = context;
  const reader = stage.cases.start<SdkReaderSteps>(new URL("../cases/sdk-reader.ts", import.meta.url));
  await reader.call("open", { url, cacheDirectory, items });
  // Warms the code up, with so few keys that what is read afterwards is new.
  await reader.call("read", { distribution: "hot", reads: sizes.warmReads, seed: 1 });
  const rounds: Float64Array[] = [];
  for (let drop = 0; drop < sizes.coldDrops; drop++) {
    dropPageCache(cacheDirectory);
    rounds.push(await reader.call("firstReads", { reads: coldReadsPerDrop, seed: 10_000 + drop }));
  }
  dropPageCache(cacheDirectory);
  const left = pageCacheBytes(cacheDirectory) / Math.max(1, filesUnder(cacheDirectory).length);
  await reader.end();
  const all = rounds.flatMap((round) => [...round]);
  const [p50, p99] = [quantile(all, 0.5), quantile(all, 0.99)];
  return measuredRow({
    figure: "first read after all page cache is dropped, p99",
    target: reported,
    samples: [p99 / 1_000],
    unit: "µs",
    detail: `p50 ${durationText(p50)}, p99 ${durationText(p99)} of ${all.length}; ${Math.round(left)} bytes a file were left in the page cache`,
  });
}

function rowOf(figure: string, target: Target, times: Times, upper: string, lower: string): Row {
  const [above, below] = [times.get(upper), times.get(lower)];
  if (above === undefined || below === undefined) return skippedRow(figure, target, "no redis-server");
  const detail = `${durationText(median(above))} / ${durationText(median(below))}`;
  return measuredRow({ figure, target, samples: ratiosOf(above, below), detail });
}

function chartOf(name: string, title: string, times: Times): Chart {
  const bars = [...times].map(([label, ns]) => ({ label, value: median(ns) / 1_000, ours: label === "sdk" }));
  return { name, title, unit: "µs", bars: bars.toSorted((a, b) => a.value - b.value) };
}
