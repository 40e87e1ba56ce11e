import { rmSync } from "node:fs";
import type { SdkWaiterSteps } from "../cases/sdk-waiter.ts";
import type { UploadLimitSteps } from "../cases/upload-limit.ts";
import { keyOf } from "../data/items.ts";
import { startHealthWatch } from "../measure/health-watch.ts";
import { median, quantile, ratiosOf } from "../measure/statistics.ts";
import { durationText, megabytesText } from "../report/number.ts";
import { atMost, measuredRow, reported } from "../report/row.ts";
import type { Suite } from "../suite.ts";

/** How long a first version of a million items takes from the upload to a reader. */
export const publishSuite: Suite = {
  name: "publish",
  about: "an upload of all items to the first SDK that is prepared, beside parse, SHA-256 and write in one thread",
  async run({ stage, items, quick, say }) {
    const rounds = quick ? 1 : 3;
    const ndjson = stage.ndjson();
    const lastKey = keyOf(items - 1);
    const limits: number[] = [];
    const answers: number[] = [];
    const publishes: number[] = [];
    const peaks: number[] = [];
    const delays: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: the limit`);
      const limit = stage.cases.start<UploadLimitSteps>(new URL("../cases/upload-limit.ts", import.meta.url));
      limits.push(await limit.call("run", { ndjson, directory: stage.directory("limit") }));
      await limit.end();

      say(`round ${round} of ${rounds}: publish`);
      const instance = await stage.emptyInstance();
      await instance.post("/v1/datasets", { name: "prices" });
      const waiter = stage.cases.start<SdkWaiterSteps>(new URL("../cases/sdk-waiter.ts", import.meta.url));
      const cacheDirectory = stage.directory("cache");
      await waiter.call("connect", { url: instance.url, cacheDirectory });
      const prepared = waiter.call("prepared", { key: lastKey });
      const health = startHealthWatch(instance.url);
      const start = Number(process.hrtime.bigint());
      await instance.publish("prices", ndjson);
      answers.push(Number(process.hrtime.bigint()) - start);
      publishes.push((await prepared) - start);
      delays.push(...(await health.end()));
      peaks.push(instance.peakBytes());
      await waiter.end();
      await instance.end();
      rmSync(cacheDirectory, { recursive: true });
    }
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
  },
};
