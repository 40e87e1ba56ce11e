import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OutcomeBatch, PublishAnswer, Receipt } from "@sluice/core/api";
import type { BroadcastSteps } from "../cases/broadcast.ts";
import type { RevertReadersSteps } from "../cases/revert-readers.ts";
import type { StreamFollowersSteps } from "../cases/stream-followers.ts";
import { keyOf, priceOf, writeNdjson } from "../data/items.ts";
import { median, quantile, ratiosOf } from "../measure/statistics.ts";
import type { Case } from "../processes/case.ts";
import { type Instance, send } from "../processes/instance.ts";
import { durationText } from "../report/number.ts";
import { atMost, type Bar, measuredRow, reported, type Row, type SuiteResult } from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

/** Where followers are, and who can be told to revert or to write. */
interface World {
  readonly instance: Instance;
  readonly agent: Agent;
  readonly plain: Case<BroadcastSteps>;
  readonly plainUrl: string;
  readonly streams: readonly Case<StreamFollowersSteps>[];
  readonly sdks: Case<RevertReadersSteps>;
  readonly file: string;
}

/** What a batch says of the two arms. `units` are of candidate users, each of whom had one failure. */
interface Counts {
  readonly candidateOk: number;
  readonly controlOk: number;
  readonly units: readonly number[];
}

/** Tells the instance that a release is bad; ends when it has answered. */
type Tip = (world: World, release: string, edition: number) => Promise<unknown>;

/** Nanoseconds from before the call until the last follower, by release. */
interface Times {
  readonly outcome: number[];
  readonly alert: number[];
  readonly durable: number[];
  readonly alone: number[];
  /** Until the instance has heard from everybody, in milliseconds. */
  readonly confirmedMs: number[];
}

const promotions = 1_000;
const sdkCount = 6;
const streamProcesses = 2;
const thousandths = 5_000;
/** Long enough for confirmations that nobody waits for. */
const settleMs = 300;
const waitMsMax = 60_000;
const warmUpRounds = 2;
/** As much as a small shop reports in a quarter of a second, with one failure in the candidate that proves nothing yet. */
const before: Counts = { candidateOk: 49, controlOk: 950, units: [7] };
/** Three more users fail, all of them in the candidate. */
const tipping: Counts = { candidateOk: 3, controlOk: 120, units: [11, 13, 17] };

/** How soon a bad version is gone everywhere, from what says that it is bad. */
export const revertSuite: Suite = {
  name: "revert",
  about: "from the tipping outcome, and from an alert, to the last of 1,000 followers on stable",
  async run(context) {
    const { stage, quick, say } = context;
    const followers = quick ? 200 : 1_000;
    const rounds = quick ? 6 : 25;
    const blocks: Times[] = [];
    const world = await createWorld(context, followers);
    let edition = 0;
    const measure = async (times: Times): Promise<void> => {
      times.outcome.push(await revert(world, ++edition, tippedByOutcome, times));
      times.durable.push(await broadcast(world, "/durable"));
      times.alert.push(await revert(world, ++edition, tippedByAlert, times));
      times.alone.push(await broadcast(world, "/alone"));
    };
    say("warms up");
    for (let round = 0; round < warmUpRounds; round++) await measure(noTimes());
    for (let block = 1; block <= (quick ? 1 : 4); block++) {
      const times = noTimes();
      say(`releases ${2 * rounds * (block - 1) + 1} to ${2 * rounds * block}`);
      for (let round = 0; round < rounds; round++) await measure(times);
      blocks.push(times);
    }
    world.agent.destroy();
    await stage.rest();
    return resultOf(blocks, followers, rounds);
  },
};

function noTimes(): Times {
  return { outcome: [], alert: [], durable: [], alone: [], confirmedMs: [] };
}

async function createWorld({ stage, say }: SuiteContext, followers: number): Promise<World> {
  const instance = await stage.emptyInstance();
  const file = join(stage.directory("promotions"), "promotions.ndjson");
  await instance.post("/v1/datasets", { name: "promotions" });
  writeNdjson(file, promotions, 0);
  await instance.publish("promotions", file);
  const plain = stage.cases.start<BroadcastSteps>(new URL("../cases/broadcast.ts", import.meta.url));
  const plainUrl = await plain.call("listen", { directory: stage.directory("plain") });
  const startStreams = (): Case<StreamFollowersSteps> =>
    stage.cases.start<StreamFollowersSteps>(new URL("../cases/stream-followers.ts", import.meta.url));
  const streams = Array.from({ length: streamProcesses }, startStreams);
  const sdks = stage.cases.start<RevertReadersSteps>(new URL("../cases/revert-readers.ts", import.meta.url));
  say(`connects ${followers} followers to each side`);
  const count = (followers - sdkCount) / streamProcesses;
  // As many ends of the plain broadcast as there are SDKs, in a third process as these are.
  const beside = startStreams();
  const connectStreams = async (each: Case<StreamFollowersSteps>): Promise<void> => {
    await each.call("connect", { url: instance.url, group: "sluice", count, as: "confirming" });
    await each.call("connect", { url: plainUrl, group: "plain", count, as: "plain" });
  };
  // Whoever came first is told first, so the SDKs stand in the middle.
  const [first, ...others] = streams;
  if (first !== undefined) await connectStreams(first);
  const directories = Array.from({ length: sdkCount }, () => stage.directory("sdk"));
  await sdks.call("connect", { url: instance.url, directories });
  await beside.call("connect", { url: plainUrl, group: "plain", count: sdkCount, as: "plain" });
  for (const each of others) await connectStreams(each);
  const agent = new Agent({ keepAlive: true });
  return { instance, agent, plain, plainUrl, streams: [...streams, beside], sdks, file };
}

/** Starts a release, waits until every follower has taken it up, tells that it is bad, and gives when the last one was on stable. */
async function revert(world: World, edition: number, tip: Tip, times: Times): Promise<number> {
  const { instance, streams, sdks, file } = world;
  writeNdjson(file, promotions, edition);
  const answer = await instance.publish("promotions", file, `release=true&thousandths=${thousandths}`);
  const { release } = answer as PublishAnswer;
  if (release === null) throw new Error("the release did not start");
  await sdks.call("armed", { release, ...changedIn(edition) });
  await everybodyHas(instance, release, "start");
  await report(world, release, 2 * edition, before);
  await sleep(settleMs);
  if ((await receiptOf(instance, release, "revert")) !== null) throw new Error("it was reverted before its time");
  const followed = streams.slice(0, streamProcesses);
  for (const each of followed) await each.call("watch", { group: "sluice", release });

  const start = Number(process.hrtime.bigint());
  await tip(world, release, edition);
  const arrivals = await Promise.all(followed.map((each) => each.call("arrivals", { group: "sluice" })));
  const ends = [...arrivals.flatMap(({ times: each }) => [...each]), ...(await sdks.call("reverted", null))];

  const { lastMs } = await everybodyHas(instance, release, "revert");
  times.confirmedMs.push(lastMs ?? Number.NaN);
  await world.plain.call("encode", { event: arrivals[0]?.text ?? "", row: await lastEvent(instance) });
  for (const each of streams) await each.call("watch", { group: "plain", release });
  await sleep(settleMs);
  return Math.max(...ends) - start;
}

/** Tells everybody on the plain side the event of the last revert. */
async function broadcast({ streams, agent, plainUrl }: World, path: string): Promise<number> {
  const start = Number(process.hrtime.bigint());
  await send(agent, `${plainUrl}${path}`, "application/json", JSON.stringify(batchOf("release", 1, tipping)));
  const arrivals = await Promise.all(streams.map((each) => each.call("arrivals", { group: "plain" })));
  await sleep(settleMs);
  return Math.max(...arrivals.flatMap(({ times }) => [...times])) - start;
}

const tippedByOutcome: Tip = (world, release, edition) => report(world, release, 2 * edition + 1, tipping);

/** Another alert each time: one that fired before a release says nothing of it. */
const tippedByAlert: Tip = ({ instance }, _release, edition) =>
  instance.post("/v1/alerts/alertmanager", {
    version: "4",
    groupKey: '{}:{alertname="PaymentsFail"}',
    truncatedAlerts: 0,
    status: "firing",
    receiver: "sluice",
    groupLabels: { alertname: "PaymentsFail" },
    commonLabels: { alertname: "PaymentsFail", severity: "critical", sluice_dataset: "promotions" },
    commonAnnotations: { summary: "more than 5 % of payments fail" },
    externalURL: "http://alertmanager.example:9093",
    alerts: [
      {
        status: "firing",
        labels: { alertname: "PaymentsFail", severity: "critical", sluice_dataset: "promotions" },
        annotations: { summary: "more than 5 % of payments fail" },
        startsAt: new Date().toISOString(),
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "http://prometheus.example:9090/graph",
        fingerprint: edition.toString(16).padStart(16, "0"),
      },
    ],
  });

function report({ agent, instance }: World, release: string, sequence: number, counts: Counts): Promise<unknown> {
  const batch = JSON.stringify(batchOf(release, sequence, counts));
  return send(agent, `${instance.url}/v1/outcomes`, "application/json", batch);
}

function batchOf(release: string, sequence: number, { candidateOk, controlOk, units }: Counts): OutcomeBatch {
  const failures = { error: { count: units.length, distinct: units.length } };
  return {
    reporter: "bench",
    sequence,
    reports: [
      {
        release,
        epoch: 1,
        candidate: { ok: candidateOk, failures, units },
        control: { ok: controlOk, failures: {}, units: [] },
        served: { candidate: candidateOk + units.length, stable: controlOk },
      },
    ],
  };
}

/** An item whose price the edition changes. */
function changedIn(edition: number): { key: string; candidatePrice: number; stablePrice: number } {
  for (let index = 0; index < promotions; index++) {
    const [stablePrice, candidatePrice] = [priceOf(index, 0).price, priceOf(index, edition).price];
    if (candidatePrice !== stablePrice) return { key: keyOf(index), candidatePrice, stablePrice };
  }
  throw new Error(`edition ${edition} changes nothing`);
}

async function everybodyHas(instance: Instance, release: string, action: "start" | "revert"): Promise<Receipt> {
  const end = performance.now() + waitMsMax;
  for (;;) {
    const receipt = await receiptOf(instance, release, action);
    if (receipt !== null && receipt.confirmed >= receipt.expected) return receipt;
    if (performance.now() > end) throw new Error(`${receipt?.confirmed} of ${receipt?.expected} confirmed ${action}`);
    await sleep(20);
  }
}

async function receiptOf({ url }: Instance, release: string, action: string): Promise<Receipt | null> {
  const response = await fetch(`${url}/v1/releases/${release}/receipts/${action}`);
  return response.ok ? ((await response.json()) as Receipt) : null;
}

async function lastEvent({ url }: Instance): Promise<string> {
  return (await fetch(`${url}/v1/log?limit=1`)).text();
}

function resultOf(blocks: readonly Times[], followers: number, rounds: number): SuiteResult {
  const all = followers.toLocaleString("en");
  const row = (kind: "outcome" | "alert", beside: "durable" | "alone", share: number, figure: string): Row => {
    const [ours, theirs] = [quantiles(blocks, kind, share), quantiles(blocks, beside, share)];
    return measuredRow({
      figure: `${figure}, p${share * 100}`,
      target: beside === "durable" ? atMost(1.5) : reported,
      samples: ratiosOf(ours, theirs),
      detail: `${durationText(median(ours))} / ${durationText(median(theirs))}`,
    });
  };
  const peer = `the last of ${all} followers on stable / durable append and plain broadcast`;
  const bar = (label: string, kind: keyof Times, share: number): Bar => ({
    label: `${label}, p${share * 100}`,
    value: median(quantiles(blocks, kind, share)) / 1e6,
    ours: kind === "outcome" || kind === "alert",
  });
  return {
    suite: "revert",
    rows: [
      row("outcome", "durable", 0.5, `tipping outcome to ${peer}`),
      row("outcome", "durable", 0.99, `tipping outcome to ${peer}`),
      row("alert", "durable", 0.5, `Alertmanager's POST to ${peer}`),
      row("alert", "durable", 0.99, `Alertmanager's POST to ${peer}`),
      row("outcome", "alone", 0.5, "tipping outcome / plain broadcast without an append"),
      row("outcome", "alone", 0.99, "tipping outcome / plain broadcast without an append"),
      measuredRow({
        figure: "announcement to the last confirmation with the instance, p50",
        target: reported,
        samples: blocks.map(({ confirmedMs }) => quantile(confirmedMs, 0.5)),
        unit: "ms",
        detail: "as its receipt says",
      }),
    ],
    charts: [
      {
        name: "last",
        title: `A revert to the last of ${all} followers`,
        unit: "ms",
        bars: [0.5, 0.99].flatMap((share) => [
          bar("plain broadcast", "alone", share),
          bar("append and plain broadcast", "durable", share),
          bar("from the tipping outcome", "outcome", share),
          bar("from Alertmanager's POST", "alert", share),
        ]),
      },
    ],
    notes: [
      `${blocks.length} × ${rounds} releases of each kind, at ${thousandths / 1_000} %, on one \`sluice serve\` with the embedded store; quantiles are taken over ${rounds}, and the ratio is the median of ${blocks.length}. ` +
        `${(followers - sdkCount).toLocaleString("en")} followers are sockets in ${streamProcesses} processes that read the stream and confirm over connections of their own; ${sdkCount} are SDKs with a directory each in one process, ` +
        "which count once a new view of somebody who saw the candidate has read the stable item. Both ends are read on the machine's one monotonic clock: the start before the POST is sent, the end in the process that holds the follower.",
      "The guard has counted a batch with one failure before; the batch that tips it has three failed users, all in the candidate. The plain side is a bare HTTP server on as many streams in as many processes: " +
        "it adds the same row to a SQLite log with the same settings (WAL, synchronous FULL), writes the same bytes of the same event, encoded before, to each stream, and hears no confirmations. The sides take turns.",
    ],
  };
}

function quantiles(blocks: readonly Times[], kind: keyof Times, share: number): number[] {
  return blocks.map((times) => quantile(times[kind], share));
}
