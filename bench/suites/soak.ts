import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PatchReaderSteps } from "../cases/patch-reader.ts";
import type { LoadResult, PatcherSteps } from "../cases/patcher.ts";
import { privateBytesOf } from "../measure/memory.ts";
import { median } from "../measure/statistics.ts";
import type { Instance } from "../processes/instance.ts";
import { atLeast, atMost, type Chart, measuredRow, reported, type Row } from "../report/row.ts";
import type { Suite } from "../suite.ts";

const keysPerPatch = 10;
const patchesPerSecond = 100;
const burstPerSecond = 1_000;
const burstMs = 2_000;
const sampleMs = 5_000;

/** What the processes and the disk take at one moment, in bytes. */
interface Sample {
  readonly atMs: number;
  readonly origin: number;
  readonly reader: number;
  readonly disk: number;
}

/** Patches for ten minutes, with a burst in each: what has to stay bounded while it goes on. Patches are kept for a minute, so that ten are long. */
export const soakSuite: Suite = {
  name: "soak",
  about: "100 patches a second for ten minutes with bursts of 1,000: memory, disk, log (only where it is named)",
  isLong: true,
  async run({ stage, items, quick, say }) {
    const minutes = quick ? 1 : 10;
    const { instance, directory } = await stage.instanceIn(["--keep-patches", "1m", "--keep-versions", "1m"]);
    const reader = stage.cases.start<PatchReaderSteps>(new URL("../cases/patch-reader.ts", import.meta.url));
    await reader.call("open", { url: instance.url, cacheDirectory: stage.directory("cache"), items });
    const patcher = stage.cases.start<PatcherSteps>(new URL("../cases/patcher.ts", import.meta.url));
    await patcher.call("connect", { url: instance.url, limitUrl: instance.url, items });
    const controlBefore = await controlEvents(instance);

    const samples: Sample[] = [];
    const loads: LoadResult[] = [];
    const startMs = performance.now();
    const loading = (async () => {
      for (let minute = 1; minute <= minutes; minute++) {
        say(`minute ${minute} of ${minutes}`);
        for (const [rate, ms] of [
          [patchesPerSecond, 60_000 - burstMs],
          [burstPerSecond, burstMs],
        ] as const) {
          const streams = [{ dataset: "prices", items, patchesPerSecond: rate }];
          loads.push(await patcher.call("load", { streams, keysPerPatch, ms, seed: minute * 10 + (rate % 7) }));
        }
      }
    })();
    const done = new AbortController();
    void loading.catch(() => {}).finally(() => done.abort());
    while (!done.signal.aborted) {
      samples.push({
        atMs: performance.now() - startMs,
        origin: privateBytes(instance.pid),
        reader: privateBytes(reader.pid),
        disk: bytesOf(directory),
      });
      await sleep(sampleMs);
    }
    await loading;
    const controlAfter = await controlEvents(instance);
    const latest = await stableVersion(instance);
    await reader.call("reaches", latest);
    return {
      suite: "soak",
      rows: rowsOf(samples, loads, controlAfter - controlBefore),
      charts: [chartOf(samples)],
      notes: [
        `${patchesPerSecond} patches a second of ${keysPerPatch} drawn keys, and at the end of each minute ${burstPerSecond} a second for ${burstMs / 1_000} s, into ${items.toLocaleString("en")} items. ` +
          "Patches and versions are kept for a minute, files that nothing refers to for five more. Memory is private memory, taken every 5 s, garbage included; the reader is an SDK with a cache directory of its own, which has the last version at the end.",
      ],
    };
  },
};

function rowsOf(samples: readonly Sample[], loads: readonly LoadResult[], added: number): Row[] {
  const endMs = samples.at(-1)?.atMs ?? 0;
  const within = (from: number, to: number, of: (sample: Sample) => number): number =>
    median(samples.filter(({ atMs }) => atMs >= from * endMs && atMs <= to * endMs).map(of));
  const growth = (figure: string, of: (sample: Sample) => number): Row => {
    const [early, late] = [within(0.6, 0.8, of), within(0.8, 1, of)];
    return measuredRow({
      figure,
      target: atMost(1.25),
      samples: [late / early],
      detail: `${megabytes(late)} / ${megabytes(early)}, most ${megabytes(Math.max(...samples.map(of)))}`,
    });
  };
  const sent = loads.reduce((sum, load) => sum + load.sent, 0);
  const failed = loads.reduce((sum, load) => sum + load.failed, 0);
  const bursts = loads.filter((_load, index) => index % 2 === 1);
  return [
    measuredRow({
      figure: "patches that were acknowledged / sent",
      target: atLeast(1),
      samples: [(sent - failed) / sent],
      detail: `${sent.toLocaleString("en")} patches, ${failed} failed${problemOf(loads)}`,
    }),
    growth("origin's private memory, last fifth / the fifth before", ({ origin }) => origin),
    growth("reader's private memory, last fifth / the fifth before", ({ reader }) => reader),
    growth("origin's directory, last fifth / the fifth before", ({ disk }) => disk),
    measuredRow({
      figure: "control events that patches added",
      target: atMost(0),
      samples: [added],
      detail: `${added} events`,
    }),
    measuredRow({
      figure: "time to acknowledge a burst / the burst",
      target: reported,
      samples: bursts.map((load) => load.ms / burstMs),
      detail: `${burstPerSecond} a second for ${burstMs / 1_000} s`,
    }),
  ];
}

function chartOf(samples: readonly Sample[]): Chart {
  const most = (of: (sample: Sample) => number): number => Math.max(...samples.map(of)) / 1e6;
  return {
    name: "bounds",
    title: "Most that was taken while patches went on",
    unit: "MB",
    bars: [
      { label: "origin's memory", value: most(({ origin }) => origin), ours: true },
      { label: "reader's memory", value: most(({ reader }) => reader), ours: true },
      { label: "origin's directory", value: most(({ disk }) => disk), ours: true },
    ],
  };
}

function problemOf(loads: readonly LoadResult[]): string {
  const problem = loads.find((load) => load.problem !== null)?.problem;
  return problem === undefined ? "" : `: ${problem}`;
}

interface StatusOfPrices {
  readonly sequence: number;
  readonly datasets: readonly { readonly name: string; readonly stable: { readonly number: number } | null }[];
}

async function stableVersion(instance: Instance): Promise<number> {
  const response = await fetch(`${instance.url}/v1/status`);
  const { datasets } = (await response.json()) as StatusOfPrices;
  return datasets.find(({ name }) => name === "prices")?.stable?.number ?? 0;
}

/** How many events the log has that are not patches. */
async function controlEvents(instance: Instance): Promise<number> {
  const response = await fetch(`${instance.url}/v1/log?limit=10000`);
  return (await response.text()).trimEnd().split("\n").length;
}

function privateBytes(pid: number): number {
  return privateBytesOf(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
}

/** What the files of a directory take; one that goes meanwhile takes nothing. */
function bytesOf(directory: string): number {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => {
      return sum + (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0);
    }, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
