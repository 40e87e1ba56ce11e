import { rmSync } from "node:fs";
import type { SdkWaiterSteps } from "../cases/sdk-waiter.ts";
import type { UploadLimitSteps } from "../cases/upload-limit.ts";
import { keyOf } from "../data/items.ts";
import { startHealthWatch } from "../measure/health-watch.ts";
import { median, quantile, ratiosOf } from "../measure/statistics.ts";
import { durationText, megabytesText } from "../report/number.ts";
import { atMost, measuredRow, reported, type SuiteResult } from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

/** What the rounds came to; times in nanoseconds. */
interface Publishes {
  readonly limits: number[];
  readonly answers: number[];
  readonly publishes: number[];
  readonly peaks: number[];
  readonly delays: number[];
}

/** How long a first version of a million items takes from the upload to a reader. */
export const publishSuite: Suite = {
  name: "publish",
  about: "an upload of all items to the first SDK that is prepared, beside parse, SHA-256 and write in one thread",
  async run(context) {
    const rounds = context.quick ? 1 : 3;
    const ndjson = context.stage.ndjson();
    const measured: Publishes = { limits: [], answers: [], publishes: [], peaks: [], delays: [] };
    for (let round = 1; round <= rounds; round++) {
      context.say(`round ${round} of ${rounds}: the limit`);
      const limit = context.stage.cases.start<UploadLimitSteps>(new URL("../cases/upload-limit.ts", import.meta.url));
      measured.limits.push(await limit.call("run", { ndjson, directory: context.stage.directory("limit") }));
      await limit.end();
      context.say(`round ${round} of ${rounds}: publish`);
      await publish(context, ndjson, measured);
    }
    return resultOf(measured, rounds);
  },
};

/** Publishes into a new instance, and adds what it came to. */
async function publish({ stage, items }: SuiteContext, ndjson: string, measured: Publishes): Promise<void> {
  const instance = await stage.emptyInstance();
  await instance.post("/v1/datasets", { name: "prices" });
  const waiter = stage.cases.start<SdkWaiterSteps>(new URL("../cases/sdk-waiter.ts", import.meta.url));
  const cacheDirectory = stage.directory("cache");
  await waiter.call("connect", { url: instance.url, cacheDirectory });
  const prepared = waiter.call("prepared", { key: keyOf(items - 1) });
  const health = startHealthWatch(instance.url);
  const start = Number(process.hrtime.bigint());
  await instance.publish("prices", ndjson);
  measured.answers.push(Number(process.hrtime.bigint()) - start);
  measured.publishes.push((await prepared) - start);
  measured.delays.push(...(await health.end()));
  measured.peaks.push(instance.peakBytes());
  await waiter.end();
  await instance.end();
  rmSync(cacheDirectory, { recursive: true });
}

function resultOf({ limits, answers, publishes, peaks, delays }: Publishes, rounds: number): SuiteResult {
  return {
    suite: "publish",
    rows: [
      measuredRow({
        figure:
          "NDJSON into an empty dataset, upload begun to first SDK prepared / parse, SHA-256 and write in one thread",
        target: atMost(3),
        samples: ratiosOf(publishes, limits),
        detail: `${durationText(median(publishes))} / ${durationText(median(limits))}`,
      }),
      measuredRow({
        figure: "upload begun to answered / the same",
        target: reported,
        samples: ratiosOf(answers, limits),
        detail: durationText(median(answers)),
      }),
      measuredRow({
        figure: "an answer of /healthz meanwhile, longest",
        target: reported,
        samples: [Math.max(...delays) / 1e6],
        unit: "ms",
        detail: `p50 ${durationText(quantile(delays, 0.5))}, p99 ${durationText(quantile(delays, 0.99))} of ${delays.length}`,
      }),
      measuredRow({
        figure: "most memory of the instance",
        target: reported,
        samples: peaks.map((bytes) => bytes / 1e6),
        unit: "MB",
        detail: `VmHWM ${megabytesText(median(peaks))}`,
      }),
    ],
    charts: [
      {
        name: "time",
        title: "A first version of all items",
        unit: "s",
        bars: [
          { label: "parse, SHA-256, write", value: median(limits) / 1e9, ours: false },
          { label: "upload to answered", value: median(answers) / 1e9, ours: true },
          { label: "upload to SDK prepared", value: median(publishes) / 1e9, ours: true },
        ],
      },
    ],
    notes: [
      `${rounds} rounds, each with a new \`sluice serve\` on the embedded store in an empty directory and an SDK process that waits, with a cache directory of its own, ` +
        "on the same cores. The limit is one thread that reads the same file, parses each line, hashes the bytes, writes them and syncs the file.",
    ],
  };
}
