import type { CommandAnswer, DatasetStatus, StatusAnswer } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createTestProgram, problem, type TestProgram } from "../fake-instance.testing.ts";
import { datasets, nowMs, receiptOf, statusOf } from "../statuses.testing.ts";

const release = "prices-v4-x7k2mq";
const answer: CommandAnswer = { outcome: "done", message: "done", sequence: 40, release, receipt: null };

/** An instance whose status has one dataset, and which carries out every command. */
function over(dataset: DatasetStatus, command: Response | CommandAnswer = answer): TestProgram {
  return createTestProgram(({ method }) => (method === "GET" ? statusOf(dataset) : command));
}

/** What a resume prints before the dataset, where that stood as `before` and stands as `after`. */
async function resumed(
  before: DatasetStatus,
  after: DatasetStatus,
  message: string = answer.message,
): Promise<string[]> {
  let dataset = before;
  const program = createTestProgram(({ method }) => {
    if (method === "GET") return statusOf(dataset);
    dataset = after;
    return { ...answer, message };
  });
  const { stdout } = await program.run("release", "resume", "prices");
  return stdout.split("\n").slice(0, stdout.split("\n").indexOf(""));
}

const commandsOf = (program: TestProgram): [string, unknown][] =>
  program.requests.filter(({ method }) => method !== "GET").map(({ path, text }) => [path, JSON.parse(text)]);

test("a percentage goes to the running release with the step that was looked at", async () => {
  const program = over(datasets.running);
  const { code, stdout } = await program.run("release", "percent", "prices", "20");
  expect(code).toBe(0);
  expect(commandsOf(program)).toEqual([[`/v1/releases/${release}/percentage`, { thousandths: 20_000, epoch: 2 }]]);
  expect(stdout).toContain("v4 of prices is out to 20 % of users, it was 5 %\n");
  expect(stdout).toContain("  revert   sluice revert prices\n");
});

test("a step that was looked at earlier can be named", async () => {
  const program = over(datasets.running);
  await program.run("release", "percent", "prices", "2.007", "--epoch", "1");
  expect(commandsOf(program)).toEqual([[`/v1/releases/${release}/percentage`, { thousandths: 2_007, epoch: 1 }]]);
});

test("of two people who act at once one is told what the other changed, with 4", async () => {
  const message = "the percentage changed meanwhile: person wang set 50 % at 2026-11-11T00:09:59.000Z; look again";
  const program = over(datasets.running, problem("CONFLICT", message));
  expect(await program.run("release", "percent", "prices", "20")).toEqual({
    code: 4,
    stdout: "",
    stderr: `error CONFLICT: ${message}\nhow it stands now: sluice status\n`,
  });
});

test("percentages that are none are refused before anything is asked", async () => {
  const program = over(datasets.running);
  const { code, stderr } = await program.run("release", "percent", "prices", "0.0005");
  expect(code).toBe(2);
  expect(stderr).toContain("a percentage moves in steps of 0.001, 0.0005 is finer");
  for (const percent of ["101", "-1", "a"])
    expect((await program.run("release", "percent", "prices", percent)).code).toBe(2);
  expect(program.requests).toEqual([]);
});

test("a release starts with the version that was looked at", async () => {
  const program = over(datasets.held);
  const { code, stdout } = await program.run("release", "start", "prices", "--percent", "5");
  expect(code).toBe(0);
  expect(stdout).toContain("v4 of prices is out to 5 % of users\n");
  await program.run("release", "start", "prices", "--publish", "v3", "--accept-quarantined");
  expect(commandsOf(program)).toEqual([
    ["/v1/datasets/prices/release", { publish: 4, plan: null, thousandths: 5_000, acceptQuarantined: false }],
    ["/v1/datasets/prices/release", { publish: 3, plan: null, thousandths: null, acceptQuarantined: true }],
  ]);
});

test("a start that the quarantine refuses ends with 6", async () => {
  const message = "9,700 of 10,000 changes to prices were in reverted v4; start it with --accept-quarantined";
  const program = over(datasets.heldByQuarantine, problem("QUARANTINED_CHANGES", message));
  const { code, stderr } = await program.run("release", "start", "prices");
  expect({ code, stderr }).toEqual({ code: 6, stderr: `error QUARANTINED_CHANGES: ${message}\n` });
});

test("a percentage set by hand says that it has paused the plan", async () => {
  let hand = datasets.waiting;
  const program = createTestProgram(({ method }) => {
    if (method === "GET") return statusOf(hand);
    hand = datasets.heldByHand;
    return answer;
  });
  const { stdout } = await program.run("release", "percent", "prices", "20");
  expect(stdout).toContain(
    "v4 of prices is out to 20 % of users, it was 5 %\nits plan is paused there: sluice release resume prices lets it go on to the next higher step\n",
  );
  // Of a plan that stood still already nothing is to be said.
  expect((await program.run("release", "percent", "prices", "21")).stdout).not.toContain("is paused");
});

test("a resume says what comes next, and which step it took", async () => {
  expect(await resumed(datasets.heldByHand, datasets.running)).toEqual([
    "the plan of v4 of prices goes on",
    "it is out to 5 % now: the step that it waited for",
    "next: 25 % at 00:18:00 (in 8 min), by the plan",
  ]);
  expect(await resumed(datasets.heldByGuard, datasets.waiting)).toEqual([
    "the plan of v4 of prices goes on",
    "next: 25 % at 00:18:00 (in 8 min): the promotion test needs about 1,240 more requests of the candidate; waits until 01:18:00, then holds",
  ]);
  expect(await resumed(datasets.heldByPlan, datasets.baking)).toEqual([
    "the plan of v4 of prices goes on",
    "everybody sees it now: the step that it waited for",
    "next: the bake ends at 00:38:30 (in 28 min)",
  ]);
  expect(await resumed(datasets.heldByPlan, datasets.guardOff)).toEqual([
    "the plan of v4 of prices goes on",
    "it waits for the guard, which is off",
  ]);
  expect(await resumed(datasets.heldByHand, { ...datasets.byHand })).toContain(
    "it goes to nothing by itself: a person takes every step",
  );
});

test("a resume or a promotion that somebody else's hold follows does not say that the plan goes on", async () => {
  const next = "that hold has ended; held by alert p3 from now on: alert p3 is firing: card failures";
  expect(await resumed(datasets.waiting, datasets.heldByGuard, next)).toEqual([
    `the plan of v4 of prices does not go on yet: ${next}`,
  ]);
  const { stdout } = await over(datasets.running, { ...answer, message: next }).run("release", "promote", "prices");
  expect(stdout).toContain(`it can still be reverted while it bakes\n${next}\n`);
});

test("hold, resume and promote go to the running release", async () => {
  const program = over(datasets.running);
  await program.run("release", "hold", "prices", "--reason", "waiting for finance");
  await program.run("release", "resume", "prices");
  await program.run("release", "promote", "prices");
  expect(commandsOf(program)).toEqual([
    [`/v1/releases/${release}/hold`, { reason: "waiting for finance" }],
    [`/v1/releases/${release}/resume`, {}],
    [`/v1/releases/${release}/promote`, { epoch: 2 }],
  ]);
});

test("promoting in the bake says that it ends", async () => {
  const { stdout } = await over(datasets.baking).run("release", "promote", "prices");
  expect(stdout).toContain("the bake is over: v4 is the stable version of prices\n");
});

test("what is so already is no failure", async () => {
  const unchanged = { ...answer, outcome: "unchanged", message: "it is out to 5 % already" } as const;
  const { code, stdout } = await over(datasets.running, unchanged).run("release", "percent", "prices", "5");
  expect(code).toBe(0);
  expect(stdout).toContain("nothing to do: it is out to 5 % already\n");
});

test("without a running release the answer says how to start one", async () => {
  const held = await over(datasets.held).run("release", "percent", "prices", "20");
  expect(held).toMatchObject({ code: 1, stdout: "" });
  expect(held.stderr).toContain(
    "nothing runs or bakes on prices; v4 is held; start it with: sluice release start prices",
  );
  const idle = await over(datasets.idle).run("release", "hold", "prices");
  expect(idle.stderr).toContain("publish a version with: sluice publish prices FILE");
});

test("an unknown dataset is named with those that there are", async () => {
  const { code, stderr } = await over(datasets.idle).run("release", "show", "price");
  expect(code).toBe(1);
  expect(stderr).toBe(`error DATASET_UNKNOWN: there is no dataset price; create it with: sluice dataset create price
  datasets: prices
`);
});

/** What a dataset that is not in a status ends with, and what is said. */
const lookFor = async (status: StatusAnswer): Promise<unknown> => {
  const { code, stderr } = await createTestProgram(() => status).run("status", "price");
  return [code, stderr];
};

test("a follower tells nobody to create a dataset, and one without any contact says that it knows nothing", async () => {
  const following = { url: "http://origin:7070", contactAgeMs: 400, connected: true };
  expect(await lookFor({ ...statusOf(datasets.idle), role: "follower", following })).toEqual([
    1,
    "error DATASET_UNKNOWN: there is no dataset price\n  datasets: prices\n",
  ]);
  const silent = { ...following, contactAgeMs: null, connected: false };
  expect(await lookFor({ ...statusOf(), role: "follower", following: silent })).toEqual([
    5,
    "error NOT_READY: nothing is known yet: no contact with http://origin:7070\n",
  ]);
});

test("a switch ends in a receipt, and --json has it", async () => {
  const receipt = { ...receiptOf(["checkout@host-7"]), action: "percentage" } as const;
  const program = over(datasets.running, { ...answer, receipt });
  const { stdout } = await program.run("release", "percent", "prices", "20", "--wait", "0s");
  expect(stdout).toContain("taken up by 411 of 412 followers in 380 ms (p99; p50 41 ms)\n");
  expect(stdout).toContain("not confirmed by 1 follower: checkout@host-7\n");
  const json = await program.run("release", "percent", "prices", "20", "--wait", "0s", "--json");
  expect(JSON.parse(json.stdout)).toEqual({
    ...answer,
    receipt,
    after: { dataset: JSON.parse(JSON.stringify(datasets.running)), at: nowMs },
  });
});
