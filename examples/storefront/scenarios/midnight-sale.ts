import { createChecks } from "../stage/checks.ts";
import type { Outcome } from "../stage/outcome.ts";
import { guarded } from "../stage/plan.ts";
import { storySetting } from "../stage/setting.ts";
import { shoppersPace, type Stage } from "../stage/stage.ts";
import type { Timeline } from "../stage/timeline.ts";
import { everybodyOnFirst, type Expect, isOf, isOnly, pause, releaseHeld, second, settledMs } from "./acts.ts";
import { leaseMs } from "./origin-dead.ts";
import type { Scenario } from "./scenario.ts";

const stepNames = ["everybodyOnFirst", "saleBegins", "saleGoesOn", "baked"] as const;

/** The big sale of the year: losing the origin must not undo it. */
export const midnightSale: Scenario = {
  name: "midnight-sale",
  about:
    "A person shows the sale to everybody at midnight, and the origin dies a moment later: no lease ends at 100 %, and the sale goes on.",
  withoutGuard:
    "the sale stands at 50 % when the origin dies: after the lease, 10 s, everybody is back on the prices of before",
  programs: [],
  setting: (guard) => ({
    ...storySetting(true),
    files: ["v1", "v5"],
    // A long bake, which the origin comes back to; without the promotion the plan would take its time to 100 %.
    plan: { ...guarded, automatic: guard, bakeMs: 20_000 },
    onNew: "hold",
    hasSidecar: true,
  }),
  tell: ({ stage, timeline, options }) => tell(stage, timeline, options.guard),
};

async function tell(stage: Stage, timeline: Timeline, guard: boolean): Promise<Outcome> {
  const checks = createChecks(stepNames);
  await stage.shoppers.pace(shoppersPace);
  const acts: readonly [(typeof stepNames)[number], (expect: Expect) => Promise<void>][] = [
    ["everybodyOnFirst", (expect) => everybodyOnFirst(stage, expect)],
    ["saleBegins", (expect) => saleBegins(stage, timeline, guard, expect)],
    ["saleGoesOn", (expect) => saleGoesOn(stage, timeline, expect)],
    ["baked", (expect) => baked(stage, timeline, expect)],
  ];
  for (const [name, act] of acts) if (!(await checks.step(name, act))) break;
  const summary = await stage.shoppers.summary({ broken: 2, revertAt: null, appliedAt: {} });
  return { steps: checks.steps(), failures: checks.failures(), summary };
}

async function saleBegins(stage: Stage, timeline: Timeline, guard: boolean, expect: Expect): Promise<void> {
  const { sluice, shoppers, log } = stage;
  timeline.say("quiet", "the merchandising system offers v2: the sale, held until midnight");
  const { event } = await releaseHeld(stage, "v5", 50_000);
  if (guard) {
    await sluice.command(`/v1/releases/${event.release}/promote`, {});
    await log.waitFor("v2 is shown to everybody", 20 * second, isOf("release-promoted"));
    await pause(second);
    const from = Date.now();
    await pause(second);
    const tally = await shoppers.tally(from, Date.now() - settledMs);
    expect(isOnly(tally, 2), `versions shown at midnight: ${JSON.stringify(tally.shown)}`);
  }
  await stage.killOrigin();
  timeline.say("bad", `the origin is killed (kill -9), with the sale at ${guard ? 100 : 50} %`);
}

async function saleGoesOn({ shoppers, workers }: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  await pause(leaseMs + 2 * second);
  const from = Date.now();
  await pause(1_500);
  const tally = await shoppers.tally(from, Date.now() - settledMs);
  expect(tally.requests > 20 && tally.bad === 0, `without an origin: ${JSON.stringify(tally)}`);
  const isOn = isOnly(tally, 2);
  expect(isOn, `the sale was undone without anybody wanting it; versions shown: ${JSON.stringify(tally.shown)}`);
  expect(workers.reverters(2) === 0, `${workers.reverters(2)} processes of the shop took the sale back`);
  if (isOn)
    timeline.say("good", `${(leaseMs + 2 * second) / second} s without an origin, and everybody still sees the sale`);
}

async function baked(stage: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  const { log, shoppers } = stage;
  await stage.startOrigin();
  timeline.say("news", "the origin is started again over the same data");
  await log.waitFor("the bake of v2 is over", 30 * second, isOf("release-completed"));
  const from = Date.now();
  await pause(1_500);
  const tally = await shoppers.tally(from, Date.now() - settledMs);
  expect(tally.bad === 0 && isOnly(tally, 2), `after the bake: ${JSON.stringify(tally)}`);
  expect(!log.lines.some(isOf("release-reverted")), "the sale was taken back");
}
