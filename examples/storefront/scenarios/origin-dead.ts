import { createChecks } from "../stage/checks.ts";
import type { Outcome } from "../stage/outcome.ts";
import { guarded, unguarded } from "../stage/plan.ts";
import { storySetting } from "../stage/setting.ts";
import { shoppersPace, type Stage } from "../stage/stage.ts";
import { count, type Timeline } from "../stage/timeline.ts";
import {
  everybodyOnFirst,
  eventually,
  type Expect,
  isOf,
  isOnly,
  pause,
  releaseHeld,
  second,
  settledMs,
} from "./acts.ts";
import type { Scenario } from "./scenario.ts";

const stepNames = ["everybodyOnFirst", "cutOff", "takenBackAlone", "reconciled", "harmOver"] as const;

/** Requests a second before the rush: so few that the origin does not live to see what is wrong. */
const quietPace = 40;

/** For so long a host that has lost the origin may show a candidate below 100 %, in milliseconds. */
export const leaseMs = 10_000;

/** The origin is killed while a bad version is out. */
export const originDead: Scenario = {
  name: "origin-dead",
  about:
    "The origin is killed while a bad version is at 5 %: the shop's cut-off sidecar takes it back on its own evidence, and the origin learns of it.",
  withoutGuard:
    "the version is at 100 %, where no lease ends, and no guard can act: with the origin dead the harm goes on",
  programs: [],
  setting: (guard) => ({
    ...storySetting(true),
    files: ["v1", "v4"],
    plan: guard ? guarded : unguarded,
    // Every byte is on the host before anybody is shown it, so that the origin can die right after.
    onNew: "hold",
    hasSidecar: true,
  }),
  tell: ({ stage, timeline, options }) => tell(stage, timeline, options.guard),
};

interface Known {
  readonly killedAt: number;
  readonly revertAt: number | null;
  readonly appliedAt: Readonly<Record<string, number>>;
}

async function tell(stage: Stage, timeline: Timeline, guard: boolean): Promise<Outcome> {
  const checks = createChecks(stepNames);
  await stage.shoppers.pace(shoppersPace);
  let known: Known = { killedAt: 0, revertAt: null, appliedAt: {} };
  const acts: readonly [(typeof stepNames)[number], (expect: Expect) => Promise<void>][] = [
    ["everybodyOnFirst", (expect) => everybodyOnFirst(stage, expect)],
    [
      "cutOff",
      async (expect) => {
        known = { ...known, killedAt: await cutOff(stage, timeline, guard, expect) };
      },
    ],
    [
      "takenBackAlone",
      async (expect) => {
        known = { ...known, ...(await takenBackAlone(stage, timeline, known, expect)) };
      },
    ],
    ["reconciled", (expect) => reconciled(stage, timeline, expect)],
  ];
  for (const [name, act] of acts) if (!(await checks.step(name, act))) break;
  const { revertAt, appliedAt } = known;
  const summary = await stage.shoppers.summary({ broken: 2, revertAt, appliedAt });
  await checks.step("harmOver", async (expect) => {
    await pause(2 * second);
    const after = await stage.shoppers.tally(Date.now() - 1_700, Date.now() - settledMs);
    expect(
      after.requests > 20 && after.bad === 0,
      `the harm goes on: ${count(after.bad)} of the last ${count(after.requests)} answers were bad: ${JSON.stringify(after.faults)}`,
    );
    expect(isOnly(after, 1), `versions shown at the end: ${JSON.stringify(after.shown)}`);
    expect(summary.badServedAfterRevert === 0, `${summary.badServedAfterRevert} bad answers after the revert`);
    expect(summary.controlErrors === 0, `${summary.controlErrors} bad answers that v2 does not explain`);
  });
  return { steps: checks.steps(), failures: checks.failures(), summary };
}

/** Shows the bad version to some, or without a guard to everybody, kills the origin and lets the rush begin. Gives when it died. */
async function cutOff(stage: Stage, timeline: Timeline, guard: boolean, expect: Expect): Promise<number> {
  const { sluice, shoppers, log, workers } = stage;
  timeline.say("quiet", "the merchandising system offers v2: it passes every check, and it breaks");
  await shoppers.pace(quietPace);
  const started = await releaseHeld(stage, "v4", 5_000);
  if (!guard) {
    await sluice.command(`/v1/releases/${started.event.release}/promote`, {});
    await log.waitFor("v2 is shown to everybody", 20 * second, isOf("release-promoted"));
  }
  await stage.killOrigin();
  const killedAt = Date.now();
  timeline.say("bad", "the origin is killed (kill -9): nobody is left who could decide for all");
  expect(!log.lines.some(isOf("release-reverted")), "the origin took v2 back before it died");
  expect(workers.reverters(2) === 0, "a process of the shop took v2 back before the origin died");
  await shoppers.pace(shoppersPace);
  timeline.say("news", `the rush begins: ${shoppersPace} requests a second, with v2 out`);
  return killedAt;
}

/** The cut-off host takes it back, before the end of its lease would have hidden it. */
async function takenBackAlone(
  { followed, workers, shoppers }: Stage,
  timeline: Timeline,
  { killedAt }: Known,
  expect: Expect,
): Promise<Pick<Known, "revertAt" | "appliedAt">> {
  const appliedAt = await workers.reverted(2, leaseMs + 5 * second);
  const last = Math.max(...Object.values(appliedAt));
  const revertAt = Math.min(...Object.values(appliedAt));
  timeline.say("good", `the cut-off sidecar at ${followed.url} has taken v2 back by itself`, revertAt);
  expect(last - killedAt < leaseMs, `it took ${last - killedAt} ms, longer than the lease`);
  await pause(second);
  const after = await shoppers.tally(last + 1, Date.now() - settledMs);
  expect(after.requests > 10 && after.bad === 0, `after it was taken back: ${JSON.stringify(after)}`);
  expect(isOnly(after, 1), `versions shown after it was taken back: ${JSON.stringify(after.shown)}`);
  return { revertAt, appliedAt };
}

/** The origin comes back and is told. */
async function reconciled(stage: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  await stage.startOrigin();
  timeline.say("news", "the origin is started again over the same data; its log knows of no revert");
  const revert = await stage.log.waitFor("the log has the revert", 20 * second, isOf("release-reverted"));
  timeline.say("good", "the sidecar has told it, and the log has the revert too");
  expect(revert.by.kind === "guard", `v2 was taken back by ${revert.by.kind} ${revert.by.name}`);
  await eventually("the sidecar follows again", 15 * second, async () => {
    const { followers } = await stage.sluice.status();
    return followers.total > 0 ? true : undefined;
  });
}
