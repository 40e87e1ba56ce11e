import { setTimeout as sleep } from "node:timers/promises";
import type { SwitchReaderSteps, Timing } from "../cases/switch-reader.ts";
import { median } from "../measure/statistics.ts";
import type { Instance } from "../processes/instance.ts";
import { numberText } from "../report/number.ts";
import { atMost, measuredRow, reported, type Row, type SuiteResult } from "../report/row.ts";
import type { Suite, SuiteContext } from "../suite.ts";

const actions = ["published", "started", "promoted", "reverted", "idle"] as const;
type Action = (typeof actions)[number];
type Way = "turns" | "delay";
type Timings = { readonly [Each in Way]: ReadonlyMap<Action, Timing[]> };

const textOf: { readonly [Each in Action]: string } = {
  published: "1 % changed, published and held",
  started: "release starts",
  promoted: "is promoted",
  reverted: "is reverted",
  idle: "idle",
};
const firstThousandths = 5_000;
/** After the SDK shows what was asked for: what it tidies up then is timed too. */
const settleMs = 700;
const idleMs = 2_000;
const msMax = 5;

/** What a release of a million items does to the event loop of an application. */
export const switchSuite: Suite = {
  name: "switch",
  about: "the longest synchronous slice in an SDK while a release starts, is promoted, is reverted",
  async run(context) {
    const rounds = context.quick ? 2 : 8;
    const { stage, items } = context;
    const instance = await stage.instance();
    const reader = stage.cases.start<SwitchReaderSteps>(new URL("../cases/switch-reader.ts", import.meta.url));
    await reader.call("open", { url: instance.url, cacheDirectory: stage.directory("cache"), items });
    const timings: Timings = { turns: new Map(actions.map(emptyOf)), delay: new Map(actions.map(emptyOf)) };
    for (let round = 1; round <= rounds; round++) {
      // What times turns keeps the thread busy, which would show in the delay; so they take turns themselves.
      const way = round % 2 === 1 ? "turns" : "delay";
      await playRelease(context, instance, round, async (action, act) => {
        context.say(`round ${round} of ${rounds}: ${action}`);
        await reader.call("begin", { way });
        const expected = await act();
        if (expected !== null) {
          await reader.call("until", expected);
          await sleep(settleMs);
        }
        timings[way].get(action)?.push(await reader.call("end", null));
      });
    }
    return resultOf(timings, rounds, items);
  },
};

/** Does something and gives what the SDK should come to by it; null where nothing changes. */
type Act = () => Promise<Parameters<SwitchReaderSteps["until"]>[0] | null>;

/** A release from its publish to its revert, then nothing. */
async function playRelease(
  { stage }: SuiteContext,
  instance: Instance,
  edition: number,
  time: (action: Action, act: Act) => Promise<void>,
): Promise<void> {
  const file = stage.ndjson(edition);
  let publish = 0;
  let release: string | null = null;
  await time("published", async () => {
    ({ number: publish } = (await instance.publish("prices", file)) as { readonly number: number });
    return { step: "prepared", publish, release };
  });
  await time("started", async () => {
    const answer = await instance.post("/v1/datasets/prices/release", { publish, thousandths: firstThousandths });
    ({ release } = answer as { readonly release: string | null });
    return { step: "running", publish, release };
  });
  await time("promoted", async () => {
    await instance.post(`/v1/releases/${release}/promote`, {});
    return { step: "baking", publish, release };
  });
  await time("reverted", async () => {
    await instance.post(`/v1/releases/${release}/revert`, { reason: "bench" });
    return { step: "reverted", publish, release };
  });
  await time("idle", async () => sleep(idleMs, null));
}

function resultOf({ turns, delay }: Timings, rounds: number, items: number): SuiteResult {
  const longest = (action: Action): number[] => (turns.get(action) ?? []).map(({ longestMs }) => longestMs);
  const delayed = (action: Action): number[] => (delay.get(action) ?? []).map(({ delayP999Ms }) => delayP999Ms);
  const rows = actions.flatMap((action): Row[] => {
    const target = action === "idle" ? reported : atMost(msMax, `${msMax} ms`);
    const withWait = median((turns.get(action) ?? []).map(({ longestWithWaitMs }) => longestWithWaitMs));
    return [
      measuredRow({
        figure: `longest synchronous slice, ${textOf[action]}`,
        target,
        samples: longest(action),
        unit: "ms",
        detail: `${numberText(withWait)} ms with waiting for a core; idle ${numberText(median(longest("idle")))} ms`,
      }),
      measuredRow({
        figure: `event-loop delay p99.9, ${textOf[action]}`,
        target,
        samples: delayed(action),
        unit: "ms",
        detail: `idle ${numberText(median(delayed("idle")))} ms`,
      }),
    ];
  });
  const bars = actions.map((action) => ({
    label: textOf[action],
    value: median(longest(action)),
    ours: action !== "idle",
  }));
  return {
    suite: "switch",
    rows,
    charts: [{ name: "slices", title: "Longest synchronous slice in an SDK", unit: "ms", bars }],
    notes: [
      `${rounds} rounds, each with another 1 % of ${items.toLocaleString("en")} items changed, published and held, started at 5 %, promoted, reverted in the bake, then idle. ` +
        "Slices are timed inside the SDK's process in every other round, as the time between turns of a chain of setImmediate less what the kernel says that the thread waited for a core; " +
        "in the others the thread rests and perf_hooks' event-loop delay is taken, with a resolution of 1 ms (which is in it). " +
        `A stretch goes from before the command until ${settleMs} ms after the SDK shows what came of it. The target was set for starts, promotions and reverts; what a held publish does is shown beside them.`,
    ],
  };
}

function emptyOf(action: Action): [Action, Timing[]] {
  return [action, []];
}
