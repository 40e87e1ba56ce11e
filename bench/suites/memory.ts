import type { PeerReaderSteps } from "../cases/peer-reader.ts";
import type { SdkReaderSteps } from "../cases/sdk-reader.ts";
import type { ProcessMemory } from "../measure/memory.ts";
import { pageCacheBytes } from "../measure/page-cache.ts";
import { median } from "../measure/statistics.ts";
import type { Case } from "../processes/case.ts";
import { megabytesText } from "../report/number.ts";
import { atMost, measuredRow, reported, type Row } from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

/** What readers cost together. */
interface Cost {
  readonly readers: readonly ProcessMemory[];
  readonly sharedBytes: number;
}

const readersMax = 8;
const portions = 10;
const readsPerPortion = 20_000;

/** What readers of one dataset cost on one host. */
export const memorySuite: Suite = {
  name: "memory",
  about: "private memory and page cache of one reader, and of eight, beside as many Maps",
  async run(context) {
    const { stage, quick, say } = context;
    const rounds = quick ? 1 : 2;
    const instance = await stage.instance();
    const cacheDirectory = stage.directory("cache");
    say("fills the cache directory");
    const first = await readersOf(context, instance.url, cacheDirectory, 1);
    const fetched = await Promise.all(first.map((reader) => reader.call("memory", null)));
    await Promise.all(first.map((reader) => reader.call("close", null).then(() => reader.end())));
    const [ones, eights, maps]: [Cost[], Cost[], number[]] = [[], [], []];
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: one reader`);
      ones.push(await costOf(context, instance.url, cacheDirectory, 1));
      say(`round ${round} of ${rounds}: eight readers`);
      eights.push(await costOf(context, instance.url, cacheDirectory, readersMax));
      say(`round ${round} of ${rounds}: a Map`);
      maps.push(await mapBytes(context));
    }
    // What is private adds up by its nature, so eight Maps are eight times one.
    return {
      suite: "memory",
      rows: [
        rowOf("one reader, its private memory and the page cache / Map of parsed objects", 1 / 2, "1/2", ones, maps, 1),
        rowOf("eight readers, the page cache counted once / eight Maps", 1 / 5, "1/5", eights, maps, readersMax),
        measuredRow({
          figure: "private memory of the process that fetched the files",
          target: reported,
          samples: fetched.map(({ privateBytes }) => privateBytes / 1e6),
          unit: "MB",
          detail: "",
        }),
      ],
      charts: [
        {
          name: "bytes",
          title: "Memory of a host",
          unit: "MB",
          bars: [
            { label: "one reader", value: median(ones.map(totalOf)) / 1e6, ours: true },
            { label: "one Map", value: median(maps) / 1e6, ours: false },
            { label: "eight readers", value: median(eights.map(totalOf)) / 1e6, ours: true },
            { label: "eight Maps", value: (median(maps) * readersMax) / 1e6, ours: false },
          ],
        },
      ],
      notes: [
        "Private memory is Private_Clean and Private_Dirty of /proc/self/smaps_rollup after a collection of garbage, and holds Node's own share on all sides. " +
          "The page cache is what fincore counts for the files of the cache directory, which all readers share. Each reader has read 200,000 items uniformly before, " +
          "so its cache of 100,000 decoded items is full and the files have been touched; the files were fetched by a process before them.",
      ],
    };
  },
};

async function costOf(context: SuiteContext, url: string, cacheDirectory: string, count: number): Promise<Cost> {
  const cases = await readersOf(context, url, cacheDirectory, count);
  const readers = await Promise.all(cases.map((reader) => reader.call("memory", null)));
  const sharedBytes = pageCacheBytes(cacheDirectory);
  await Promise.all(cases.map((reader) => reader.end()));
  return { readers, sharedBytes };
}

/** Readers of one directory whose caches are full. */
async function readersOf(
  { stage, items, quick }: SuiteContext,
  url: string,
  cacheDirectory: string,
  count: number,
): Promise<Case<SdkReaderSteps>[]> {
  const cases = Array.from({ length: count }, () =>
    stage.cases.start<SdkReaderSteps>(new URL("../cases/sdk-reader.ts", import.meta.url)),
  );
  for (const [index, reader] of cases.entries()) {
    await reader.call("open", { url, cacheDirectory, items });
    // In small portions, since the keys themselves are garbage of the bench's own.
    for (let at = 0; at < (quick ? 2 : portions); at++) {
      await reader.call("read", { distribution: "uniform", reads: readsPerPortion, seed: index * portions + at });
    }
  }
  return cases;
}

async function mapBytes({ stage, items }: SuiteContext): Promise<number> {
  const reader = stage.cases.start<PeerReaderSteps>(new URL("../cases/peer-reader.ts", import.meta.url));
  const place = { directory: stage.directory("map"), port: 0 };
  await reader.call("load", { peer: "map", place, ndjson: stage.ndjson(), items });
  const { privateBytes } = await reader.call("memory", null);
  await reader.end();
  return privateBytes;
}

function rowOf(
  figure: string,
  limit: number,
  limitText: string,
  costs: readonly Cost[],
  maps: readonly number[],
  count: number,
): Row {
  const perReader = middleOf(costs, ({ privateBytes }) => privateBytes);
  const used = middleOf(costs, ({ heapUsedBytes }) => heapUsedBytes);
  const total = middleOf(costs, ({ heapTotalBytes }) => heapTotalBytes);
  const shared = median(costs.map(({ sharedBytes }) => sharedBytes));
  const readers = count === 1 ? megabytesText(perReader) : `${count} × ${megabytesText(perReader)}`;
  return measuredRow({
    figure,
    target: atMost(limit, limitText),
    samples: costs.map((cost, round) => totalOf(cost) / ((maps[round] ?? Number.NaN) * count)),
    detail: `${readers} + ${megabytesText(shared)} / ${count === 1 ? "" : `${count} × `}${megabytesText(median(maps))}; a reader's heap has ${megabytesText(used)} of objects in ${megabytesText(total)}`,
  });
}

function totalOf({ readers, sharedBytes }: Cost): number {
  return sharedBytes + readers.reduce((sum, { privateBytes }) => sum + privateBytes, 0);
}

function middleOf(costs: readonly Cost[], pick: (memory: ProcessMemory) => number): number {
  return median(costs.flatMap(({ readers }) => readers.map(pick)));
}
