import { setTimeout as sleep } from "node:timers/promises";
import type { SwitchReaderSteps, Timing } from "../cases/switch-reader.ts";
import { median } from "../measure/statistics.ts";
import { numberText } from "../report/number.ts";
import { atMost, measuredRow, reported, type Row } from "../report/row.ts";
import type { Suite } from "../suite.ts";

const actions = ["published and held", "started", "promoted", "reverted", "idle"] as const;
type Action = (typeof actions)[number];
const textOf: { readonly [Each in Action]: string } = {
  "published and held": "1 % changed, published and held",
  started: "release starts",
  promoted: "is promoted",
  reverted: "is reverted",
  idle: "idle",
};
type Step = "prepared" | "running" | "baking" | "reverted";

const firstThousandths = 5_000;
/** After the SDK shows what was asked for: what it tidies up then is timed too. */
const settleMs = 700;
const idleMs = 2_000;
const msMax = 5;

/** What a release of a million items does to the event loop of an application. */
export const switchSuite: Suite = {
  name: "switch",
  about: "the longest synchronous slice in an SDK while a release starts, is promoted, is reverted",
  async run({ stage, items, quick, say }) {
    const rounds = quick ? 2 : 8;
    const instance = await stage.instance();
    const reader = stage.cases.start<SwitchReaderSteps>(new URL("../cases/switch-reader.ts", import.meta.url));
    await reader.call("open", { url: instance.url, cacheDirectory: stage.directory("cache"), items });
    const turns = new Map<Action, Timing[]>(actions.map((action) => [action, []]));
    const delays = new Map<Action, Timing[]>(actions.map((action) => [action, []]));

    for (let round = 1; round <= rounds; round++) {
      const file = stage.ndjson(round);
      // What times turns keeps the thread busy, which would show in the delay; so they take turns themselves.
      const way = round % 2 === 1 ? "turns" : "delay";
      let publish = 0;
      let release: string | null = null;
      const time = async (action: Action, step: Step | null, act: () => Promise<unknown>): Promise<unknown> => {
        say(`round ${round} of ${rounds}: ${action}`);
        await reader.call("begin", { way });
        const answer = (await act()) as { number?: number; release?: string | null } | undefined;
        publish = answer?.number ?? publish;
        release = answer?.release ?? release;
        if (step !== null) {
          await reader.call("until", { step, publish, release });
          await sleep(settleMs);
        }
        (way === "turns" ? turns : delays).get(action)?.push(await reader.call("end", null));
        return answer;
      };
      await time("published and held", "prepared", () => instance.publish("prices", file));
      await time("started", "running", () =>
        instance.post("/v1/datasets/prices/release", { publish, thousandths: firstThousandths }),
      );
      await time("promoted", "baking", () => instance.post(`/v1/releases/${release}/promote`, {}));
      await time("reverted", "reverted", () => instance.post(`/v1/releases/${release}/revert`, { reason: "bench" }));
      await time("idle", null, () => sleep(idleMs));
    }

    const longest = (action: Action): number[] => (turns.get(action) ?? []).map(({ longestMs }) => longestMs);
    const delayed = (action: Action): number[] => (delays.get(action) ?? []).map(({ delayP999Ms }) => delayP999Ms);
    const rows = actions.flatMap((action): Row[] => {
      const target = action === "idle" ? reported : atMost(msMax, `${msMax} ms`);
      const of = (pick: (timing: Timing) => number): string => numberText(median((turns.get(action) ?? []).map(pick)));
      return [
        measuredRow({
          figure: `longest synchronous slice, ${textOf[action]}`,
          target,
          samples: longest(action),
          unit: "ms",
          detail:
            `${of(({ longestProcessorMs }) => longestProcessorMs)} ms of processor time at most; ` +
            `${of(({ longestWithWaitMs }) => longestWithWaitMs)} ms with waiting for a core; idle ${numberText(median(longest("idle")))} ms`,
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
    return {
      suite: "switch",
      rows,
      charts: [
        {
          name: "slices",
          title: "Longest synchronous slice in an SDK",
          unit: "ms",
          bars: actions.map((action) => ({
            label: action,
            value: median(longest(action)),
            ours: action !== "idle",
          })),
        },
      ],
      notes: [
        `${rounds} rounds, each with another 1 % of ${items.toLocaleString("en")} items changed, published and held, started at 5 %, promoted, reverted in the bake, then idle. ` +
          "Slices are timed inside the SDK's process in every other round, as the time between turns of a chain of setImmediate less what the kernel says that the thread waited for a core; " +
          "in the others the thread rests and perf_hooks' event-loop delay is taken, with a resolution of 1 ms (which is in it). " +
          `A stretch goes from before the command until ${settleMs} ms after the SDK shows what came of it. The target was set for starts, promotions and reverts; what a held publish does is shown beside them.`,
      ],
    };
  },
};
