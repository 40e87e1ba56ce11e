import type { CommandAnswer, DatasetStatus } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createTestProgram, problem, type TestProgram } from "../fake-instance.testing.ts";
import { datasets, receiptOf, statusOf } from "../statuses.testing.ts";

const release = "prices-v4-x7k2mq";
const answer: CommandAnswer = { outcome: "done", message: "done", sequence: 40, release, receipt: null };

/** An instance whose status has one dataset, and which carries out every command. */
function over(dataset: DatasetStatus, command: Response | CommandAnswer = answer): TestProgram {
  return createTestProgram(({ method }) => (method === "GET" ? statusOf(dataset) : command));
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

test("a switch ends in a receipt, and --json has it", async () => {
  const receipt = { ...receiptOf(["checkout@host-7"]), action: "percentage" } as const;
  const program = over(datasets.running, { ...answer, receipt });
  const { stdout } = await program.run("release", "percent", "prices", "20", "--wait", "0s");
  expect(stdout).toContain("taken up by 411 of 412 followers in 380 ms (p99; p50 41 ms)\n");
  expect(stdout).toContain("not confirmed by 1 follower: checkout@host-7\n");
  const json = await program.run("release", "percent", "prices", "20", "--wait", "0s", "--json");
  expect(JSON.parse(json.stdout)).toEqual({ ...answer, receipt });
});

test("show has the step, the evidence and the changes", async () => {
  const tally = { candidateRequests: 2_034, candidateFailures: 31, controlRequests: 38_412, controlFailures: 57 };
  const evidence = {
    ...tally,
    epoch: 2,
    thousandths: 5_000,
    comparison: "on",
    comparativeEvidence: 14.218,
    threshold: 166.67,
    unitEvidence: null,
    requestEvidence: 14.218,
    kinds: [
      {
        kind: "below-cost",
        evidence: 14.2,
        candidateFailures: 31,
        controlFailures: 57,
        candidateDistinct: 30,
        controlDistinct: 50,
      },
    ],
    absoluteEvidence: [
      {
        errorRateLimit: 0.05,
        windowMs: 30_000,
        requestsMin: 50,
        absoluteEvidence: 1,
        threshold: 500,
        window: tally,
        suspended: false,
      },
    ],
    failuresMinReached: true,
    lateReports: 2,
  } as const;
  const running = datasets.running.release;
  const dataset = running === null ? datasets.running : { ...datasets.running, release: { ...running, evidence } };
  const { stdout } = await over(dataset).run("release", "show", "prices");
  expect(`\n${stdout}`).toMatchInlineSnapshot(`
    "
    prices  canary  v3 -> v4  running                                        healthy
      out      v4 over v3: 412 changed, 6 added, 1 removed
      to       5 % of users (really served 4.97 %), the rest v3
      since    00:08:00 (2 min ago) by the plan, started 12 min ago by li.wei
      health   ok: v4 failed 3 of 2,034 (0.147 %), v3 57 of 38,412 (0.148 %)
      next     25 % at 00:18:00 (in 8 min), by the plan
      revert   sluice revert prices

      release  prices-v4-x7k2mq
      step     5 %, running, epoch 2
      started  2026-11-10 23:58:00 (12 min ago) by li.wei
      ready    412 of 412 hold every byte of it
      compared on
      evidence 14.2 against it, reverts at 167
               below-cost: candidate 31, control 57, evidence 14.2
               limit 5 % over 30 s: 31 of 2,034 failed, evidence 1, reverts at 500
               2 reports came too late to count

      changes
      ~ sku-1  price: 1999 -> 1899
      … and 418 more
    "
  `);
  const json = await over(dataset).run("release", "show", "prices", "--json");
  expect(JSON.parse(json.stdout)).toEqual(dataset);
});
