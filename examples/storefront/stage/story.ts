import { createChecks, type Checks } from "./checks.ts";
import type { Outcome } from "./outcome.ts";
import type { LogLine } from "./sluice.ts";
import { shoppersPace, shopWorkers, type Stage } from "./stage.ts";
import { count, type Timeline } from "./timeline.ts";

/** The parts of the story, in their order. */
export const stepNames = [
  "v1Live",
  "v2Promoted",
  "v3Refused",
  "v4Reverted",
  "v4RefusedAgain",
  "sidecarKilled",
  "nobodyElseHurt",
] as const;
export type StepName = (typeof stepNames)[number];

const second = 1_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Tells the story: each part is done only if the shoppers, the log and the shop's processes say so. */
export async function tellStory(stage: Stage, timeline: Timeline): Promise<Outcome<StepName>> {
  const checks = createChecks(stepNames);
  await stage.shoppers.pace(shoppersPace);
  let broken: Broken = { number: 4, revertAt: null, appliedAt: {} };
  const acts: readonly [StepName, (check: Checks["expect"]) => Promise<void>][] = [
    ["v1Live", (expect) => first(stage, expect)],
    ["v2Promoted", (expect) => promoted(stage, timeline, expect)],
    ["v3Refused", (expect) => refused(stage, timeline, expect)],
    [
      "v4Reverted",
      (expect) =>
        reverted(stage, timeline, expect, (seen) => {
          broken = { ...broken, ...seen };
        }),
    ],
    ["v4RefusedAgain", (expect) => refusedAgain(stage, timeline, expect, broken)],
    ["sidecarKilled", (expect) => killed(stage, timeline, expect)],
  ];
  for (const [name, act] of acts) {
    const isDone = await checks.step(name, act);
    // What follows stands on it.
    if (!isDone) break;
  }

  const { number, revertAt, appliedAt } = broken;
  const summary = await stage.shoppers.summary({ broken: number, revertAt, appliedAt });
  await checks.step("nobodyElseHurt", async (expect) => {
    expect(summary.controlErrors === 0, `${summary.controlErrors} bad answers that v4 does not explain`);
    expect(summary.badServedAfterRevert === 0, `${summary.badServedAfterRevert} bad answers after the revert`);
    expect(
      revertAt !== null && Object.keys(appliedAt).length === shopWorkers,
      "a process of the shop kept the bad version",
    );
  });
  return { steps: checks.steps(), failures: checks.failures(), summary };
}

interface Broken {
  readonly number: number;
  readonly revertAt: number | null;
  readonly appliedAt: Readonly<Record<string, number>>;
}

type Expect = Checks["expect"];

const isOf =
  (type: string, after = 0) =>
  ({ event, at }: LogLine): boolean =>
    event.type === type && at >= after && (event.dataset === undefined || event.dataset === "prices");

async function first({ shoppers }: Stage, expect: Expect): Promise<void> {
  const from = Date.now() + 500;
  await pause(2_500);
  const tally = await shoppers.tally(from, Date.now() - 300);
  expect(tally.requests > 100, `only ${tally.requests} requests reached the shop`);
  expect(tally.bad === 0, `${tally.bad} bad answers before anything was released: ${JSON.stringify(tally.faults)}`);
  expect(Object.keys(tally.shown).join() === "1", `versions shown: ${JSON.stringify(tally.shown)}`);
  expect(Object.keys(tally.workers).length === shopWorkers, `answers came from ${JSON.stringify(tally.workers)}`);
}

async function promoted({ merchandising, shoppers, log }: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  timeline.say("quiet", "the merchandising system offers v2");
  const offeredAt = Date.now();
  await merchandising.offer("v2");
  const started = await log.waitFor("the release of v2 starts", 10 * second, isOf("release-started", offeredAt));
  const widened = await log.waitFor("v2 goes on to more", 20 * second, isOf("percentage-set", offeredAt));
  const everybody = await log.waitFor("v2 is shown to everybody", 30 * second, isOf("release-promoted", offeredAt));
  await log.waitFor("the bake of v2 is over", 20 * second, isOf("release-completed", offeredAt));

  const canary = await shoppers.tally(started.at + second, widened.at);
  const share = (canary.shown["2"] ?? 0) / Math.max(1, canary.requests);
  timeline.say("quiet", `at 5 %, ${(share * 100).toFixed(1)} % of ${count(canary.requests)} answers were of v2`);
  expect(started.event.thousandths === 5_000, `v2 started at ${started.event.thousandths} thousandths`);
  expect(share > 0.01 && share < 0.12, `at 5 % a share of ${share} of the answers was of v2`);
  const after = await shoppers.tally(everybody.at + 1.5 * second, Date.now() - 300);
  expect(
    after.requests > 0 && Object.keys(after.shown).join() === "2",
    `after the promotion: ${JSON.stringify(after.shown)}`,
  );
  const whole = await shoppers.tally(offeredAt, Date.now() - 300);
  expect(whole.bad === 0, `${whole.bad} bad answers while v2 came: ${JSON.stringify(whole.faults)}`);
}

async function refused({ merchandising, shoppers, log }: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  timeline.say("quiet", "the merchandising system offers v3: half of it is missing, and the rest is in yuan");
  const offeredAt = Date.now();
  await merchandising.offer("v3");
  const refusal = await log.waitFor("v3 is refused", 10 * second, isOf("publish-refused", offeredAt));
  expect(refusal.event.code === "CHECK_REFUSED", `v3 was refused with ${refusal.event.code}`);
  await pause(1_500);
  const tally = await shoppers.tally(offeredAt, Date.now() - 300);
  expect(tally.requests > 100 && tally.bad === 0, `while v3 was offered: ${JSON.stringify(tally)}`);
  expect(Object.keys(tally.shown).join() === "2", `versions shown: ${JSON.stringify(tally.shown)}`);
}

async function reverted(
  { merchandising, log, workers, shoppers }: Stage,
  timeline: Timeline,
  expect: Expect,
  see: (seen: Partial<Broken>) => void,
): Promise<void> {
  timeline.say("quiet", "the merchandising system offers v4: it passes every check, and it breaks");
  const offeredAt = Date.now();
  await merchandising.offer("v4");
  const published = await log.waitFor("v4 is taken in", 10 * second, isOf("version-published", offeredAt));
  const number = published.event.number ?? 0;
  see({ number });
  const started = await log.waitFor("the release of v4 starts", 5 * second, isOf("release-started", offeredAt));
  const revert = await log.waitFor("v4 is taken back", 25 * second, isOf("release-reverted", offeredAt));
  see({ revertAt: revert.at });
  const appliedAt = await workers.reverted(number, 5 * second);
  see({ appliedAt });
  const last = Math.max(...Object.values(appliedAt));
  timeline.say("good", `every process of the shop is back on v2, ${last - revert.at} ms after the decision`, last);

  expect(number === 4, `v4 was numbered ${number}`);
  expect(started.event.thousandths === 5_000, `v4 started at ${started.event.thousandths} thousandths`);
  expect(revert.by.kind === "guard", `v4 was taken back by ${revert.by.kind} ${revert.by.name}, not by the guard`);
  expect(!log.lines.some(isOf("percentage-set", offeredAt)), "v4 went beyond 5 %");
  await pause(2 * second);
  const after = await shoppers.tally(last + 1, Date.now() - 300);
  expect(after.requests > 100 && after.bad === 0, `after the revert: ${JSON.stringify(after)}`);
  expect(Object.keys(after.shown).join() === "2", `versions shown after the revert: ${JSON.stringify(after.shown)}`);
}

async function refusedAgain(
  { merchandising, log, shoppers }: Stage,
  timeline: Timeline,
  expect: Expect,
  { revertAt }: Broken,
): Promise<void> {
  timeline.say("quiet", "the merchandising system exports v4 once more");
  const offeredAt = Date.now();
  await merchandising.offer("v4");
  const isQuarantined = (line: LogLine): boolean =>
    isOf("publish-refused", revertAt ?? 0)(line) && line.event.code === "QUARANTINED";
  await log.waitFor("v4 is refused again", 10 * second, isQuarantined);
  await pause(1_500);
  const { downloads } = await merchandising.status();
  if (downloads > 0) timeline.say("good", "v4 is downloaded once more and refused once more; nobody saw it");
  expect(downloads > 0, "v4 was not downloaded again, so nothing refused it");
  expect(!log.lines.some(isOf("release-started", offeredAt)), "v4 came back by itself");
  const tally = await shoppers.tally(offeredAt, Date.now() - 300);
  expect(tally.requests > 100 && tally.bad === 0, `while v4 was offered again: ${JSON.stringify(tally)}`);
}

async function killed(stage: Stage, timeline: Timeline, expect: Expect): Promise<void> {
  const { sluice, workers, shoppers, log } = stage;
  const before = await sluice.status();
  const killedAt = Date.now();
  await stage.killOrigin();
  timeline.say("news", "the sidecar is killed (kill -9); the shop goes on with the last good version");
  await pause(5 * second);
  const away = workers.connected();
  await stage.startOrigin();
  timeline.say("news", "the sidecar is started again over the same data");
  const until = Date.now() + 15 * second;
  while (
    Date.now() < until &&
    (workers.connected() < shopWorkers || (await sluice.status()).followers.total < shopWorkers)
  ) {
    await pause(100);
  }
  const backAt = Date.now();
  const after = await sluice.status();
  await pause(second);

  const tally = await shoppers.tally(killedAt, Date.now() - 300);
  timeline.say("good", `${count(tally.ok)} of ${count(tally.requests)} answers were 200 while it was away`, backAt);
  expect(away === 0, `${away} processes of the shop did not notice that the sidecar was gone`);
  expect(workers.connected() === shopWorkers, `${workers.connected()} processes of the shop came back to the sidecar`);
  expect(tally.requests > 300 && tally.ok === tally.requests, `while it was away: ${JSON.stringify(tally)}`);
  expect(tally.bad === 0 && Object.keys(tally.shown).join() === "2", `while it was away: ${JSON.stringify(tally)}`);
  const stable = (status: typeof before): number | undefined =>
    status.datasets.find(({ name }) => name === "prices")?.stable?.publish;
  expect(stable(after) === stable(before), `the stable version was v${stable(before)} and is v${stable(after)}`);
  expect(after.sequence >= before.sequence, `the log had ${before.sequence} events and has ${after.sequence}`);
  expect(log.lines.filter(isOf("release-reverted")).length === 1, "the revert is not in the log once");
}
