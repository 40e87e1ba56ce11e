import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Client, createClient } from "@sluice/sdk";
import { createDraws, keysOf } from "../data/draws.ts";
import type { Price } from "../data/items.ts";
import { createOwnClock } from "../measure/own-clock.ts";
import { serveCase } from "../processes/serve-case.ts";
import { until } from "../processes/until.ts";

/** What a process that lives through a release can be told. */
export interface SwitchReaderSteps {
  open(input: { readonly url: string; readonly cacheDirectory: string; readonly items: number }): Promise<void>;
  /** Begins to time this thread, in one of two ways. */
  begin(input: { readonly way: "turns" | "delay" }): void;
  /** Ends when the SDK shows what is expected. */
  until(input: Expected): Promise<void>;
  /** Stops timing and gives what it was. */
  end(input: null): Timing;
}

/** What should have happened to a publish. */
export interface Expected {
  /** `prepared`: it is a candidate whose every byte is here; else what its release should have come to. */
  readonly step: "prepared" | "running" | "baking" | "reverted";
  readonly publish: number;
  readonly release: string | null;
}

/** What was timed, in milliseconds; what the other way would have timed is 0. */
export interface Timing {
  /** The longest time between two turns of the event loop, without what the thread waited for a core that others had. */
  readonly longestMs: number;
  /** The same with it. */
  readonly longestWithWaitMs: number;
  /** Of perf_hooks' event-loop delay with a resolution of 1 ms, which is in it. */
  readonly delayP999Ms: number;
}

const waitMsMax = 120_000;

let client: Client<{ prices: Price }> | undefined;
/** What releases have come to, as the SDK said it. */
const phases = new Set<string>();
let timer: { stop(): Timing } | undefined;

const steps: SwitchReaderSteps = {
  async open({ url, cacheDirectory, items }) {
    client = (await createClient({
      url,
      app: "bench",
      datasets: { prices: null },
      cacheDirectory,
      readyTimeoutMs: 600_000,
    })) as Client<{ prices: Price }>;
    client.on("release", ({ release, phase }) => phases.add(`${release} ${phase}`));
    client.on("reverted", ({ release }) => phases.add(`${release} reverted`));
    // An application that has been reading: its cache is full when the switch comes.
    const view = client.view({ targetingKey: "user-42" });
    for (const key of keysOf(createDraws(items).draw("zipf", 300_000, 1))) view.get("prices", key);
    globalThis.gc?.();
  },
  begin({ way }) {
    timer = way === "turns" ? timeTurns() : timeDelay();
  },
  until: ({ step, publish, release }) =>
    until(
      () =>
        step === "prepared" ? client?.status().datasets.prices.candidate === publish : phases.has(`${release} ${step}`),
      () => `the SDK is not at ${step} of v${publish}`,
      waitMsMax,
    ),
  end() {
    if (timer === undefined) throw new Error("begin comes first");
    return timer.stop();
  },
};

/**
 * Turns of the event loop, one behind the other: what lies between two of them is one slice. A thread that never rests is made
 * to wait for its core whenever others want it, so that wait is measured and taken off.
 */
function timeTurns(): { stop(): Timing } {
  const clock = createOwnClock();
  let last = performance.now();
  let waited = clock.waited() / 1e6;
  let [longestMs, longestWithWaitMs] = [0, 0];
  let next: NodeJS.Immediate;
  const turn = (): void => {
    const [at, waitedNow] = [performance.now(), clock.waited() / 1e6];
    longestMs = Math.max(longestMs, at - last - (waitedNow - waited));
    longestWithWaitMs = Math.max(longestWithWaitMs, at - last);
    [last, waited] = [at, waitedNow];
    next = setImmediate(turn);
  };
  next = setImmediate(turn);
  return {
    stop() {
      clearImmediate(next);
      clock.close();
      return { longestMs, longestWithWaitMs, delayP999Ms: 0 };
    },
  };
}

/** The event-loop delay of a process that rests when it has nothing to do. */
function timeDelay(): { stop(): Timing } {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  return {
    stop() {
      delay.disable();
      return { longestMs: 0, longestWithWaitMs: 0, delayP999Ms: delay.percentile(99.9) / 1e6 };
    },
  };
}

serveCase({ ...steps });
