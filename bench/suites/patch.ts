import { setTimeout as sleep } from "node:timers/promises";
import type { DurableServerSteps } from "../cases/durable-server.ts";
import type { PatchReaderSteps } from "../cases/patch-reader.ts";
import type { LoadResult, PatcherSteps } from "../cases/patcher.ts";
import { median, quantile, ratiosOf } from "../measure/statistics.ts";
import type { Case } from "../processes/case.ts";
import { durationText, numberText } from "../report/number.ts";
import { atMost, type Bar, type Chart, measuredRow, reported, type Row, type Target } from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

type Reader = Case<PatchReaderSteps>;
type Patcher = Case<PatcherSteps>;

const keysPerPatch = 10;
const settleMs = 1_000;

/** What a change of one item, and a stream of changes, cost beside a dataset of a million. */
export const patchSuite: Suite = {
  name: "patch",
  about: "one item changed to visible; reads and processor time while patches arrive",
  async run(context) {
    const { stage, items, say } = context;
    const instance = await stage.instance();
    const reader = stage.cases.start<PatchReaderSteps>(new URL("../cases/patch-reader.ts", import.meta.url));
    await reader.call("open", { url: instance.url, cacheDirectory: stage.directory("cache"), items });
    const limit = stage.cases.start<DurableServerSteps>(new URL("../cases/durable-server.ts", import.meta.url));
    const limitUrl = await limit.call("listen", { directory: stage.directory("limit") });
    const patcher = stage.cases.start<PatcherSteps>(new URL("../cases/patcher.ts", import.meta.url));
    await patcher.call("connect", { url: instance.url, limitUrl, items });

    say("one item at a time");
    const latency = await latencyRows(context, reader, patcher);
    const reading = await readingRows(context, reader, patcher);
    const processor = await processorRows(context, reader, patcher);
    return {
      suite: "patch",
      rows: [...latency.rows, ...reading, ...processor],
      charts: [latency.chart],
      notes: [
        "A patch is visible when the SDK's `version` event has come and a new view gives the patched value, in a process of its own; the call begins before the request is sent, on a third process. " +
          "The limit is a bare HTTP server that appends the same body to a file and syncs it (fdatasync) before it answers. Both take turns, with drawn pauses of 15 to 45 ms.",
        `Under load each patch has ${keysPerPatch} keys. A batch of 100 reads goes through a view of its own, about every 2 ms, by Zipf's law; quiet and busy stretches take turns. ` +
          "Parsing and hashing is JSON.parse and SHA-256 of the items' canonical text: in a loop that is warm, and a few at a time, by a process that rests in between as a follower does.",
      ],
    };
  },
};

async function latencyRows(
  { quick, say }: SuiteContext,
  reader: Reader,
  patcher: Patcher,
): Promise<{ rows: Row[]; chart: Chart }> {
  const rounds = quick ? 1 : 3;
  const count = quick ? 50 : 300;
  const [ours, theirs]: [number[][], number[][]] = [[], []];
  await patcher.call("single", { first: 1, count: 30 });
  for (let round = 1; round <= rounds; round++) {
    say(`one item at a time: round ${round} of ${rounds}`);
    const first = round * 1_000;
    await reader.call("watch", { first, count });
    const { starts, limits } = await patcher.call("single", { first, count });
    const seen = await reader.call("seen", null);
    ours.push([...seen].map((at, index) => at - (starts[index] ?? Number.NaN)));
    theirs.push([...limits]);
  }
  const rowOf = (share: number, most: number): Row => {
    const [upper, lower] = [ours, theirs].map((rows) => rows.map((row) => quantile(row, share))) as [
      number[],
      number[],
    ];
    return measuredRow({
      figure: `one item, call to visible in an SDK / durable append plus one loopback round trip, p${share * 100}`,
      target: atMost(most),
      samples: ratiosOf(upper, lower),
      detail: `${durationText(median(upper))} / ${durationText(median(lower))}`,
    });
  };
  return {
    rows: [rowOf(0.5, 3), rowOf(0.99, 5)],
    chart: {
      name: "visible",
      title: "One item changed, call to visible",
      unit: "ms",
      bars: [
        barOf("append + round trip", theirs, 0.5, false),
        barOf("SDK", ours, 0.5, true),
        barOf("append + round trip", theirs, 0.99, false),
        barOf("SDK", ours, 0.99, true),
      ],
    },
  };
}

async function readingRows({ items, quick, say }: SuiteContext, reader: Reader, patcher: Patcher): Promise<Row[]> {
  const rounds = quick ? 1 : 3;
  const ms = quick ? 1_500 : 6_000;
  const rates = [0, 100, 1_000] as const;
  const p99 = new Map<number, number[]>(rates.map((rate) => [rate, []]));
  const waits = new Map<number, number[]>(rates.map((rate) => [rate, []]));
  const loads: LoadResult[] = [];
  await reader.call("batches", { ms, seed: 1 });
  for (let round = 1; round <= rounds; round++) {
    for (const rate of rates) {
      say(`batches of 100 reads: round ${round} of ${rounds}, ${rate} patches a second`);
      const seed = round * 10 + rate;
      const streams = [{ dataset: "prices", items, patchesPerSecond: rate }];
      const loading = rate === 0 ? null : patcher.call("load", { streams, keysPerPatch, ms, seed });
      const batches = await reader.call("batches", { ms, seed });
      const load = await loading;
      if (load !== null && rate === 1_000) loads.push(load);
      if (load !== null && load.failed > 0)
        throw new Error(`${load.failed} of ${load.sent} patches failed: ${load.problem}`);
      p99.get(rate)?.push(quantile(batches.durations, 0.99));
      waits.get(rate)?.push(quantile(batches.waits, 0.99));
      await sleep(settleMs);
    }
  }
  const rates1000 = loads.map((load) => (load.sent / load.ms) * 1_000);
  const burst = readingRow("the same at 1,000 patches a second", p99, 1_000, null);
  return [
    readingRow("p99 of batches of 100 reads, 100 patches a second / none", p99, 100, 1.5),
    { ...burst, detail: `${burst.detail}; ${numberText(median(rates1000))} patches a second were acknowledged` },
    readingRow("p99 from when a batch was due to its end, 100 patches a second / none", waits, 100, null),
    readingRow("the same at 1,000 patches a second, due to end", waits, 1_000, null),
  ];
}

async function processorRows({ items, quick, say }: SuiteContext, reader: Reader, patcher: Patcher): Promise<Row[]> {
  const rounds = quick ? 1 : 3;
  const ms = quick ? 2_000 : 8_000;
  const [ours, theirs, paced]: [number[], number[], number[]] = [[], [], []];
  for (let round = 1; round <= rounds; round++) {
    say(`processor time: round ${round} of ${rounds}`);
    const idle = (await reader.call("processorTime", { ms })) / ms;
    const streams = [{ dataset: "prices", items, patchesPerSecond: 100 }];
    const loading = patcher.call("load", { streams, keysPerPatch, ms, seed: 1_000 + round });
    const busy = await reader.call("processorTime", { ms: ms + settleMs });
    const { sent } = await loading;
    const count = sent * keysPerPatch;
    ours.push((busy - idle * (ms + settleMs)) / count);
    theirs.push((await reader.call("parseAndHash", { count })) / count);
    const resting = await reader.call("pacedParseAndHash", { ms });
    paced.push((resting.microseconds - idle * ms) / resting.count);
  }
  const rowOf = (figure: string, target: Target, others: readonly number[]): Row => {
    const detail = `${durationText(median(ours) * 1_000)} / ${durationText(median(others) * 1_000)} a key`;
    return measuredRow({ figure, target, samples: ratiosOf(ours, others), detail });
  };
  return [
    rowOf(
      "follower's processor time for 1,000 patched keys a second / parsing and hashing the same items",
      atMost(5),
      theirs,
    ),
    rowOf("the same / parsing and hashing ten items a hundred times a second, as they arrive", reported, paced),
  ];
}

type TimesOfRates = ReadonlyMap<number, readonly number[]>;

function readingRow(figure: string, times: TimesOfRates, rate: number, most: number | null): Row {
  const [busy, quiet] = [times.get(rate) ?? [], times.get(0) ?? []];
  return measuredRow({
    figure,
    target: most === null ? reported : atMost(most),
    samples: ratiosOf(busy, quiet),
    detail: `${durationText(median(busy))} / ${durationText(median(quiet))}`,
  });
}

function barOf(label: string, samples: readonly number[][], share: number, ours: boolean): Bar {
  return { label: `${label}, p${share * 100}`, value: quantile(samples.flat(), share) / 1e6, ours };
}
