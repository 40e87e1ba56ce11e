import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BroadcastSteps } from "../cases/broadcast.ts";
import type { PatcherSteps } from "../cases/patcher.ts";
import type { Arrivals, StreamFollowersSteps } from "../cases/stream-followers.ts";
import { writeNdjson } from "../data/items.ts";
import { median, quantile, ratiosOf } from "../measure/statistics.ts";
import type { Case } from "../processes/case.ts";
import { type Instance, send } from "../processes/instance.ts";
import { durationText } from "../report/number.ts";
import { atMost, measuredRow, reported, type SuiteResult } from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

type Receivers = readonly Case<StreamFollowersSteps>[];

const processes = 2;
const stockItems = 10_000;
const promotionItems = 1_000;
const pricePatchesPerSecond = 10;
const stockPatchesPerSecond = 100;
const roundMs = 3_000;
const quietRounds = 5;

/** How soon a revert is with a thousand followers that are being told of patches at the same time. */
export const fanoutSuite: Suite = {
  name: "fanout",
  about: "a revert to 1,000 followers under 110 patches a second, beside a plain broadcast",
  async run(context) {
    const { stage, items, quick, say } = context;
    const followers = quick ? 200 : 1_000;
    const rounds = quick ? 2 : 9;
    const instance = await stage.instance();
    await prepare(context, instance);
    const plain = stage.cases.start<BroadcastSteps>(new URL("../cases/broadcast.ts", import.meta.url));
    const plainUrl = await plain.call("listen", { directory: stage.directory("plain") });
    const receivers: Receivers = Array.from({ length: processes }, () =>
      stage.cases.start<StreamFollowersSteps>(new URL("../cases/stream-followers.ts", import.meta.url)),
    );
    say(`connects ${followers} followers to each side`);
    const count = followers / processes;
    for (const receiver of receivers) {
      await receiver.call("connect", { url: instance.url, group: "sluice", count, as: "silent" });
      await receiver.call("connect", { url: plainUrl, group: "plain", count, as: "plain" });
    }
    const patcher = stage.cases.start<PatcherSteps>(new URL("../cases/patcher.ts", import.meta.url));
    await patcher.call("connect", { url: instance.url, limitUrl: "", items });

    const agent = new Agent({ keepAlive: true });
    let release = "";
    const broadcast = async (): Promise<Float64Array> =>
      (await timeMark(receivers, "plain", release, () => send(agent, `${plainUrl}/alone`, "text/plain", ""))).times;
    const streams = [
      { dataset: "prices", items, patchesPerSecond: pricePatchesPerSecond },
      { dataset: "stock", items: stockItems, patchesPerSecond: stockPatchesPerSecond },
    ];
    const loading = patcher.call("load", { streams, keysPerPatch: 1, ms: rounds * roundMs + 2_000, seed: 1 });
    await sleep(1_000);
    const [reverts, plains]: [Float64Array[], Float64Array[]] = [[], []];
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      const start = performance.now();
      release = await startRelease(stage.directory("promotions"), instance, round);
      await sleep(500);
      const revert = (): Promise<unknown> => instance.post(`/v1/releases/${release}/revert`, { reason: "bench" });
      const { times, text } = await timeMark(receivers, "sluice", release, revert);
      reverts.push(times);
      await plain.call("encode", { event: text, row: "" });
      await sleep(300);
      plains.push(await broadcast());
      await sleep(Math.max(0, roundMs - (performance.now() - start)));
    }
    const load = await loading;
    if (load.failed > 0) throw new Error(`${load.failed} of ${load.sent} patches failed: ${load.problem}`);
    await sleep(1_000);
    const quiet: Float64Array[] = [];
    for (let round = 0; round < quietRounds; round++) {
      quiet.push(await broadcast());
      await sleep(100);
    }
    agent.destroy();
    return resultOf({ reverts, plains, quiet }, context, followers);
  },
};

/** Nanoseconds after the call at which an event was with each follower, by round. */
interface Broadcasts {
  readonly reverts: readonly Float64Array[];
  readonly plains: readonly Float64Array[];
  /** Plain ones without patches. */
  readonly quiet: readonly Float64Array[];
}

function resultOf({ reverts, plains, quiet }: Broadcasts, { items }: SuiteContext, followers: number): SuiteResult {
  const quietLast = median(lastOf(quiet));
  const text = (all: readonly Float64Array[]): string => durationText(median(lastOf(all)));
  return {
    suite: "fanout",
    rows: [
      measuredRow({
        figure: `revert to the last of ${followers.toLocaleString("en")} followers, 110 patches a second / plain broadcast of the same bytes meanwhile`,
        target: atMost(1.5),
        samples: ratiosOf(lastOf(reverts), lastOf(plains)),
        detail: `${text(reverts)} / ${text(plains)}; the middle one ${durationText(middleOf(reverts))} / ${durationText(middleOf(plains))}`,
      }),
      measuredRow({
        figure: "the same / plain broadcast with no patches going on",
        target: reported,
        samples: lastOf(reverts).map((ns) => ns / quietLast),
        detail: `${text(reverts)} / ${text(quiet)}`,
      }),
    ],
    charts: [
      {
        name: "last",
        title: `One event to the last of ${followers.toLocaleString("en")} followers`,
        unit: "ms",
        bars: [
          { label: "plain, quiet", value: quietLast / 1e6, ours: false },
          { label: "plain, under patches", value: median(lastOf(plains)) / 1e6, ours: false },
          { label: "revert, under patches", value: median(lastOf(reverts)) / 1e6, ours: true },
        ],
      },
    ],
    notes: [
      `${followers.toLocaleString("en")} plain sockets in ${processes} processes follow \`sluice serve\`, and as many a bare HTTP server. ${pricePatchesPerSecond} patches a second go to ${items.toLocaleString("en")} prices and ` +
        `${stockPatchesPerSecond} to a stock of ${stockItems.toLocaleString("en")}; in the middle a release of a third dataset is reverted, and a little later the bare server writes the same bytes to its own. ` +
        "On both sides the time runs from before the call is sent until the event is with the last follower, on the machine's monotonic clock.",
    ],
  };
}

function lastOf(all: readonly Float64Array[]): number[] {
  return all.map((times) => Math.max(...times));
}

function middleOf(all: readonly Float64Array[]): number {
  return median(all.map((times) => quantile(times, 0.5)));
}

async function prepare({ stage }: SuiteContext, instance: Instance): Promise<void> {
  const directory = stage.directory("small");
  await instance.post("/v1/datasets", { name: "stock", policy: "immediate" });
  writeNdjson(join(directory, "stock.ndjson"), stockItems, 0);
  await instance.publish("stock", join(directory, "stock.ndjson"));
  await instance.post("/v1/datasets", { name: "promotions" });
  writeNdjson(join(directory, "promotions.ndjson"), promotionItems, 0);
  await instance.publish("promotions", join(directory, "promotions.ndjson"));
}

async function startRelease(directory: string, instance: Instance, edition: number): Promise<string> {
  const path = join(directory, "promotions.ndjson");
  writeNdjson(path, promotionItems, edition);
  const answer = await instance.publish("promotions", path, "release=true&thousandths=5000");
  const { release } = answer as { readonly release: string | null };
  if (release === null) throw new Error("the release did not start");
  return release;
}

/** How long after the call the mark of a release was with each follower, in nanoseconds, and the event itself. */
async function timeMark(
  receivers: Receivers,
  group: string,
  release: string,
  act: () => Promise<unknown>,
): Promise<Arrivals> {
  for (const receiver of receivers) await receiver.call("watch", { group, release });
  const start = Number(process.hrtime.bigint());
  await act();
  const arrivals = await Promise.all(receivers.map((receiver) => receiver.call("arrivals", { group })));
  const times = Float64Array.from(arrivals.flatMap(({ times: each }) => [...each].map((at) => at - start)));
  return { times, text: arrivals[0]?.text ?? "" };
}
