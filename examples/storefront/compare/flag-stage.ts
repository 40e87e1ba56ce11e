import { join } from "node:path";
import type { Summary } from "../judge/ledger.ts";
import { createLedgerClient, createMerchandising } from "../stage/neighbours.ts";
import { argumentsOf, type Message, type Processes } from "../stage/processes.ts";
import { shoppersPace, shopWorkers } from "../stage/stage.ts";
import type { Timeline } from "../stage/timeline.ts";
import { createWorkers } from "../stage/workers.ts";

/** The broken file and the one before it, which is out when the play begins. */
const good = "v2";
const broken = "v4";

/** Longer than the rule needs: an evaluation, its minute, and the next evaluation. */
const alertDeadlineMs = 240_000;

/** What the shop's processes may take to follow the flag. */
const followDeadlineMs = 30_000;

const progressMs = 10_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Plays the broken file in the same shop, before the same shoppers and judge, with a flag, files and an alert rule. */
export async function playWithFlag(parts: {
  readonly shopPort: number;
  readonly seed: number;
  readonly directory: string;
  readonly processes: Processes;
  readonly timeline: Timeline;
}): Promise<Summary> {
  const { shopPort, seed, directory, processes, timeline } = parts;
  const upstream = processes.start({ name: "upstream", file: "upstream.ts", args: argumentsOf({ seed }) });
  const merchandising = createMerchandising(await upstream.port);
  const payment = processes.start({
    name: "payment",
    file: "payment.ts",
    args: argumentsOf({ upstream: merchandising.url }),
  });
  const flips: Message[] = [];
  const flag = processes.start({
    name: "flag",
    file: "flag.ts",
    args: argumentsOf({ upstream: merchandising.url, good }),
    onMessage(message) {
      if (message.type === "flipped") flips.push(message);
      if (message.type === "evaluated") sayEvaluation(message, timeline);
    },
  });
  const flagUrl = `http://127.0.0.1:${await flag.port}`;
  const workers = createWorkers(shopWorkers);
  const shop = processes.start({
    name: "shop",
    file: "shop.ts",
    args: argumentsOf({
      port: shopPort,
      workers: shopWorkers,
      payment: `http://127.0.0.1:${await payment.port}`,
      flag: flagUrl,
      directory: join(directory, "shop"),
    }),
    onMessage: (message) => workers.hear(message),
  });
  const crowd = processes.start({
    name: "shoppers",
    file: "shoppers.ts",
    args: argumentsOf({ upstream: merchandising.url, shop: `http://127.0.0.1:${await shop.port}` }),
  });
  const shoppers = createLedgerClient(await crowd.port);
  await shoppers.pace(shoppersPace);
  await pause(5_000);

  const releasedAt = Date.now();
  timeline.say("news", `the flag says ${broken}, for everybody`);
  await fetch(`${flagUrl}/flag/${broken}`, { method: "POST" });
  await workers.switched(broken, releasedAt, followDeadlineMs);

  const until = Date.now() + alertDeadlineMs;
  const flippedBack = (): Message | undefined => flips.find(({ version }) => version === good);
  for (let saidAt = Date.now(); flippedBack() === undefined; await pause(50)) {
    if (Date.now() > until) throw new Error(`the alert did not fire within ${alertDeadlineMs / 1_000} s`);
    if (Date.now() - saidAt < progressMs) continue;
    saidAt = Date.now();
    const { bad, requests } = await shoppers.tally(releasedAt, saidAt);
    timeline.say("quiet", `${bad} of ${requests} answers were bad so far`);
  }
  const revertAt = Number(flippedBack()?.["at"]);
  timeline.say("bad", `the alert fires, and the flag says ${good} again`, revertAt);
  const appliedAt = await workers.switched(good, revertAt, followDeadlineMs);
  timeline.say("good", `every process of the shop is back on ${good}`, Math.max(...Object.values(appliedAt)));
  await pause(2_000);
  const summary = await shoppers.summary({ broken: 4, revertAt, appliedAt });
  await processes.stopAll();
  return summary;
}

function sayEvaluation(message: Message, timeline: Timeline): void {
  const { errorRate, state } = message as Message & { errorRate: number | null; state: string };
  const rate = errorRate === null ? "unknown" : `${(errorRate * 100).toFixed(1)} %`;
  timeline.say("quiet", `the alert rule is evaluated: error rate ${rate}, ${state}`);
}
