import { createChecks } from "../stage/checks.ts";
import type { Outcome } from "../stage/outcome.ts";
import type { Plan } from "../stage/plan.ts";
import { storySetting } from "../stage/setting.ts";
import { shoppersPace, type Stage } from "../stage/stage.ts";
import type { Timeline } from "../stage/timeline.ts";
import {
  badShareOf,
  eventually,
  everybodyOnFirst,
  type Expect,
  isOf,
  isOnly,
  pause,
  percentOf,
  second,
  settledMs,
} from "./acts.ts";
import type { Scenario } from "./scenario.ts";

const stepNames = ["everybodyOnFirst", "walkedToEverybody", "shakyHeld", "takenBackByHand", "everyStepProven"] as const;

const steps = [1_000, 5_000, 25_000, 50_000];

/**
 * The steps of the plan `careful`, as fast as the evidence comes. The first step rules out no more than two failures in five: at 1 % a
 * handful of 300 shoppers a second is a canary. From 25 % on it is one in twenty. In between lies what is held: the guard of this plan
 * takes back what fails three requests in ten more than before, and lets nothing go on that may fail one in twenty more.
 */
const plan: Plan = {
  steps: steps.map((thousandths) => ({ thousandths, holdMs: 500 })),
  automatic: true,
  bakeMs: 1_500,
  promotion: { waitMaxMs: 12_000, otherwise: "hold" },
  guard: {
    toleratedExtraRate: 0.3,
    absolute: [],
    promotion: {
      beta: 0.1,
      bounds: [
        { fromThousandths: 0, worseRatio: 3, worseExtraRate: 0.4 },
        { fromThousandths: 5_000, worseRatio: 3, worseExtraRate: 0.1 },
        { fromThousandths: 25_000, worseRatio: 3, worseExtraRate: 0.05 },
      ],
    },
  },
};

/** A plan that walks by the promotion test alone. */
export const planWalks: Scenario = {
  name: "plan-walks",
  about:
    "A good sale walks from 1 % to everybody by the promotion test alone; the next file fails one page in six, and is held on its way.",
  withoutGuard: "the plan walks by time, and everybody gets the file that fails one page in six",
  programs: [],
  setting: (guard) => ({
    ...storySetting(true),
    files: ["v1", "v5", "shaky"],
    plan: guard ? plan : { ...plan, promotion: null },
  }),
  tell: ({ stage, timeline }) => tell(stage, timeline),
};

async function tell(stage: Stage, timeline: Timeline): Promise<Outcome> {
  const checks = createChecks(stepNames);
  await stage.shoppers.pace(shoppersPace);
  let facts: Parameters<Stage["shoppers"]["summary"]>[0] = { broken: 3, revertAt: null, appliedAt: {} };
  const acts: readonly [(typeof stepNames)[number], (expect: Expect) => Promise<void>][] = [
    ["everybodyOnFirst", (expect) => everybodyOnFirst(stage, expect)],
    ["walkedToEverybody", (expect) => walked(stage, timeline, expect)],
    ["shakyHeld", (expect) => held(stage, timeline, expect)],
    [
      "takenBackByHand",
      async (expect) => {
        facts = await takenBack(stage, timeline, expect);
      },
    ],
  ];
  for (const [name, act] of acts) if (!(await checks.step(name, act))) break;
  await checks.step("everyStepProven", async (expect) => everyStepProven(stage, expect));
  const summary = await stage.shoppers.summary(facts);
  return { steps: checks.steps(), failures: checks.failures(), summary };
}

async function walked({ merchandising, shoppers, log }: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  timeline.say("quiet", "the merchandising system offers v2: a sale, and nothing wrong with it");
  const offeredAt = Date.now();
  await merchandising.offer("v5");
  const started = await log.waitFor("the release of v2 starts", 20 * second, isOf("release-started", offeredAt));
  await log.waitFor("v2 is shown to everybody", 60 * second, isOf("release-promoted", offeredAt));
  await log.waitFor("the bake of v2 is over", 10 * second, isOf("release-completed", offeredAt));
  const taken = log.lines.filter(isOf("percentage-set", offeredAt));
  const percentages = [started.event.thousandths, ...taken.map(({ event }) => event.thousandths)];
  expect(percentages.join() === steps.join(), `v2 walked over ${percentages.join()} thousandths`);
  const walk = await shoppers.tally(offeredAt, Date.now() - settledMs);
  expect(walk.bad === 0, `${walk.bad} bad answers while v2 came: ${JSON.stringify(walk.faults)}`);
}

async function held({ merchandising, shoppers, log }: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  timeline.say(
    "quiet",
    "the merchandising system offers v3: the sale is over, and one in six of its articles lost its currency",
  );
  const offeredAt = Date.now();
  await merchandising.offer("shaky");
  const hold = await log.waitFor(
    "v3 is held for want of evidence",
    45 * second,
    (line) => isOf("release-held", offeredAt)(line) || isOf("release-promoted", offeredAt)(line),
  );
  // At 1 % it may be held before anybody has met what is wrong with it.
  const tally = await eventually("a shopper is hurt by v3", 30 * second, async () => {
    const seen = await shoppers.tally(offeredAt, Date.now() - settledMs);
    return (seen.badShown["3"] ?? 0) > 0 ? seen : undefined;
  });
  timeline.say("quiet", `${percentOf(badShareOf(tally, 3))} of the answers of v3 were bad, none of v2`);
  expect(
    hold.event.type === "release-held",
    `v3 was shown to everybody, and ${percentOf(badShareOf(tally, 3))} of its answers were bad`,
  );
  expect(hold.by.kind === "plan", `v3 was moved by ${hold.by.kind} ${hold.by.name}, not held by its plan`);
  expect((tally.badShown["2"] ?? 0) === 0, `${tally.badShown["2"]} bad answers of v2`);
  const promoted = log.lines.some(isOf("release-promoted", offeredAt));
  expect(hold.event.type === "release-promoted" || !promoted, "v3 was held, and shown to everybody all the same");
}

function everyStepProven({ log }: Stage, expect: Expect): void {
  const taken = log.lines.filter((line) => isOf("percentage-set")(line) || isOf("release-promoted")(line));
  const unproven = taken.filter(({ event }) => event.evidence?.promotion.open !== true);
  expect(
    taken.length > 0 && unproven.length === 0,
    `${unproven.length} of ${taken.length} steps were taken without proof`,
  );
}

async function takenBack(
  { sluice, shoppers, workers, log }: Stage,
  timeline: Timeline,
  expect: Expect,
): Promise<Parameters<Stage["shoppers"]["summary"]>[0]> {
  await sluice.command("/v1/datasets/prices/revert", { reason: "a person looked at what is held" });
  const revert = await log.waitFor("v3 is taken back", 10 * second, isOf("release-reverted"));
  const appliedAt = await workers.reverted(3, 10 * second);
  const last = Math.max(...Object.values(appliedAt));
  timeline.say("good", `every process of the shop is back on v2, ${last - revert.at} ms after the decision`, last);
  await pause(2 * second);
  const after = await shoppers.tally(last + 1, Date.now() - settledMs);
  expect(after.requests > 20 && after.bad === 0, `after the revert: ${JSON.stringify(after)}`);
  expect(isOnly(after, 2), `versions shown after the revert: ${JSON.stringify(after.shown)}`);
  return { broken: 3, revertAt: revert.at, appliedAt };
}
