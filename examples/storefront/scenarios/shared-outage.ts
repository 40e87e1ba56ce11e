import { createChecks } from "../stage/checks.ts";
import type { Outcome } from "../stage/outcome.ts";
import { guarded, planWith } from "../stage/plan.ts";
import { storySetting } from "../stage/setting.ts";
import { shoppersPace, type Stage } from "../stage/stage.ts";
import { count, type Timeline } from "../stage/timeline.ts";
import {
  badShareOf,
  everybodyOnFirst,
  type Expect,
  eventually,
  isOf,
  isOnly,
  pause,
  percentOf,
  second,
  settledMs,
} from "./acts.ts";
import type { Scenario } from "./scenario.ts";

const stepNames = ["everybodyOnFirst", "bothFailed", "notTakenBack", "promoted", "nobodyHurtAfter"] as const;

/** For how long the payment side takes no payment, in milliseconds. */
const outageMs = 6_000;

/** The alert rule that people have today: so many failed requests in so many seconds, whoever's fault it is. */
const literalRule = { errorRateLimit: 0.05, windowMs: 5_000, requestsMin: 20, mode: "literal", alpha: 0.002 } as const;

/** An outage that both arms share. */
export const sharedOutage: Scenario = {
  name: "shared-outage",
  about:
    "The payment side is down for 6 s while a good sale goes out: both arms fail alike, so the release is not taken back, and reaches everybody.",
  withoutGuard: "a plain limit on the error rate in place of the comparison takes the good release back",
  programs: [],
  setting: (guard) => ({
    ...storySetting(true),
    files: ["v1", "v5"],
    plan: guard ? guarded : planWith({ absolute: [literalRule] }),
  }),
  tell: ({ stage, timeline, options }) => tell(stage, timeline, options.guard),
};

async function tell(stage: Stage, timeline: Timeline, guard: boolean): Promise<Outcome> {
  const checks = createChecks(stepNames);
  await stage.shoppers.pace(shoppersPace);
  if (!guard)
    timeline.say("quiet", "the plan has the rule that people have today: over 5 % failed in 5 s takes it back");
  let outageAt = 0;
  const acts: readonly [(typeof stepNames)[number], (expect: Expect) => Promise<void>][] = [
    ["everybodyOnFirst", (expect) => everybodyOnFirst(stage, expect)],
    [
      "bothFailed",
      async (expect) => {
        outageAt = await bothFail(stage, timeline, expect);
      },
    ],
    ["notTakenBack", (expect) => notTakenBack(stage, timeline, expect)],
    ["promoted", (expect) => promoted(stage, expect)],
    ["nobodyHurtAfter", (expect) => nobodyHurtAfter(stage, outageAt, expect)],
  ];
  for (const [name, act] of acts) if (!(await checks.step(name, act))) break;
  const summary = await stage.shoppers.summary({ broken: 2, revertAt: null, appliedAt: {} });
  return { steps: checks.steps(), failures: checks.failures(), summary };
}

/** Starts a good release, then the outage; gives when that began. */
async function bothFail(stage: Stage, timeline: Timeline, expect: Expect): Promise<number> {
  const { merchandising, payment, shoppers, log } = stage;
  timeline.say("quiet", "the merchandising system offers v2: a sale, and nothing wrong with it");
  const offeredAt = Date.now();
  await merchandising.offer("v5");
  const started = await log.waitFor("the release of v2 starts", 20 * second, isOf("release-started", offeredAt));
  await eventually("v2 is shown", 30 * second, async () => {
    const { shown } = await shoppers.tally(started.at, Date.now());
    return (shown["2"] ?? 0) >= 10 ? true : undefined;
  });
  const outageAt = Date.now();
  await payment.fail(outageMs);
  timeline.say("bad", `the payment side takes no payment, for ${outageMs / second} s: four of ten requests fail`);
  await pause(outageMs);
  const tally = await shoppers.tally(outageAt + 500, outageAt + outageMs - 500);
  const [control, candidate] = [badShareOf(tally, 1), badShareOf(tally, 2)];
  timeline.say("quiet", `${percentOf(control)} of the answers of v1 failed, ${percentOf(candidate)} of those of v2`);
  expect(control > 0.2, `the outage hurt only ${percentOf(control)} of the answers of v1`);
  return outageAt;
}

async function notTakenBack({ log }: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  await pause(second);
  const reverted = log.lines.find(isOf("release-reverted"));
  expect(
    reverted === undefined,
    `a good release was taken back in an outage that was not its doing: ${reverted?.event.cause?.reason}`,
  );
  if (reverted !== undefined) return;
  timeline.say("good", "the payment side is back, and nobody has taken the sale back");
}

async function promoted({ log }: Stage, expect: Expect): Promise<void> {
  await log.waitFor("v2 is shown to everybody", 40 * second, isOf("release-promoted"));
  await log.waitFor("the bake of v2 is over", 20 * second, isOf("release-completed"));
  expect(!log.lines.some(isOf("release-reverted")), "a good release was taken back");
}

async function nobodyHurtAfter({ shoppers, workers }: Stage, outageAt: number, expect: Expect): Promise<void> {
  const from = Date.now();
  await pause(1_500);
  const after = await shoppers.tally(from, Date.now() - settledMs);
  expect(isOnly(after, 2), `versions shown at the end: ${JSON.stringify(after.shown)}`);
  expect(after.requests > 20 && after.bad === 0, `at the end: ${JSON.stringify(after)}`);
  const since = await shoppers.tally(outageAt + outageMs + second, Date.now() - settledMs);
  expect(since.bad === 0, `${count(since.bad)} bad answers after the outage: ${JSON.stringify(since.faults)}`);
  expect(workers.reverters(2) === 0, `${workers.reverters(2)} processes of the shop took v2 back`);
}
