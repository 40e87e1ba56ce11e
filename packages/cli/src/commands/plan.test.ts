import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultPlan, planOfPreset } from "@sluice/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chunks, createTestProgram, type TestOptions, type TestProgram } from "../fake-instance.testing.ts";
import { datasets, statusOf } from "../statuses.testing.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-plan-"));
});
afterAll(() => rm(folder, { recursive: true }));

const done = { outcome: "done", message: "done", sequence: 40, release: null, receipt: null };

function over(options: TestOptions = {}): TestProgram {
  return createTestProgram(({ method }) => (method === "GET" ? statusOf(datasets.held) : done), options);
}

async function fileOf(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(content));
  return path;
}

const bodyOf = (program: TestProgram): unknown =>
  JSON.parse(program.requests.find(({ method }) => method === "POST")?.text ?? "null");

test("the plans that have names are listed, AppConfig's among them, without an instance", async () => {
  const program = over();
  const { code, stdout } = await program.run("plan", "list");
  expect([code, program.requests]).toEqual([0, []]);
  expect(stdout).toContain("careful  1, 5, 25 and 50 %");
  expect(stdout).toContain("  such as  linear-20-every-6m\n");
  expect(stdout).toContain("Linear20PercentEvery6Minutes, Linear50PercentEvery30Seconds");
  const { plans } = JSON.parse((await program.run("plan", "list", "--json")).stdout);
  expect(plans.map(({ name }: { name: string }) => planOfPreset(name).steps.length)).toEqual([4, 4, 6, 1, 1]);
});

test("a plan is shown with its times and what it waits for", async () => {
  const { stdout } = await over().run("plan", "show", "AppConfig.Linear20PercentEvery6Minutes");
  expect(`\n${stdout}`).toMatchInlineSnapshot(`
    "
    AppConfig.Linear20PercentEvery6Minutes  goes on by itself
      share       stays at least   is reached after
      20 %        6 min            at once
      40 %        6 min            6 min
      60 %        6 min            12 min
      80 %        6 min            18 min
      everybody   30 min bake      24 min
      done                         54 min

      test     each step waits up to 1 h more for the promotion test, then holds
               it rules out that the candidate fails 5 times as often as the
               control, + 1 %
               from 5 % on it rules out that the candidate fails 3 times as often as
               the control, + 0.5 %
               from 25 % on it rules out that the candidate fails 2 times as often
               as the control, + 0.1 %
      guard    reverts what fails over 1.25 times as often as the control, wrongly
               in at most 0.6 % of releases
      limit    5 % over 30 s with at least 50 requests, confirmed
      alerts   those with the label sluice_dataset="DATASET" revert
    "
  `);
});

test("the times of a plan are numbers with --json", async () => {
  const { stdout } = await over().run("plan", "show", "careful", "--json");
  const minuteMs = 60_000;
  expect(JSON.parse(stdout)).toEqual({
    name: "careful",
    plan: defaultPlan,
    timeline: {
      steps: defaultPlan.steps.map((step, index) => ({ ...step, fromMs: index * 10 * minuteMs })),
      everybodyMs: 40 * minuteMs,
      doneMs: 70 * minuteMs,
    },
  });
});

test("by hand a plan has no times to come to", async () => {
  const path = await fileOf("hand.json", { preset: "canary-10-for-20m", automatic: false, promotion: null });
  const { stdout } = await over().run("plan", "show", path);
  expect(stdout).toContain("a person takes every step\n  share       stays at least\n  10 %        20 min\n");
  expect(stdout).toContain("no promotion test: steps by time alone");
  expect(stdout).not.toContain("is reached after");
});

test("a plan file may say times as people do", async () => {
  const path = await fileOf("times.json", {
    steps: [{ thousandths: 1_000, holdMs: "90s" }],
    bakeMs: "2h",
    promotion: { waitMaxMs: "30m", otherwise: "proceed" },
  });
  const { plan } = JSON.parse((await over().run("plan", "show", path, "--json")).stdout);
  expect(plan).toEqual({
    ...defaultPlan,
    steps: [{ thousandths: 1_000, holdMs: 90_000 }],
    bakeMs: 7_200_000,
    promotion: { waitMaxMs: 1_800_000, otherwise: "proceed" },
  });
});

test("of a plan file with errors every one is listed, with 2", async () => {
  const path = await fileOf("wrong.json", {
    steps: [
      { thousandths: 5_000, holdMs: "soon" },
      { thousandths: 200_000, holdMs: 0 },
    ],
    guard: { alpha: 3 },
    bakems: 1,
  });
  const { code, stdout, stderr } = await over().run("plan", "show", path);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`error VALIDATION: ${path} is no usable plan: 4 errors\n`);
  expect(stderr).toContain("/steps/0/holdMs: ");
  expect(stderr).toContain("/steps/1/thousandths: ");
  expect(stderr).toContain("alpha: above 0 and at most 0.5, not 3");
  expect(stderr).toContain('"bakems"');
});

test("a release and a dataset take a plan by name", async () => {
  const started = over();
  await started.run("release", "start", "prices", "--plan", "linear-20-every-6m");
  expect(bodyOf(started)).toMatchObject({ plan: "linear-20-every-6m" });
  const created = over();
  await created.run("dataset", "create", "flags", "--plan", "AllAtOnce", "--bake", "1h");
  expect(bodyOf(created)).toEqual({ name: "flags", plan: { preset: "AllAtOnce", bakeMs: 3_600_000 } });
  const piped = over({ stdin: chunks('{"preset": "careful", "bakeMs": "1m"}') });
  await piped.run("release", "start", "prices", "--plan", "-");
  expect(bodyOf(piped)).toMatchObject({ plan: { preset: "careful", bakeMs: 60_000 } });
});

test("a name that is nearly one, or none, is refused before anything is asked", async () => {
  const program = over();
  const nearly = await program.run("release", "start", "prices", "--plan", "linear-20-every-6");
  expect([nearly.code, nearly.stderr]).toEqual([
    2,
    expect.stringContaining("its time is one such as 30s, 6m, 2h or 1d"),
  ]);
  const none = await program.run("release", "start", "prices", "--plan", "careless");
  expect([none.code, none.stderr]).toEqual([
    2,
    "error VALIDATION: cannot read careless (ENOENT), and no plan has that name; names are listed by: sluice plan list\n",
  ]);
  const list = await program.run("release", "start", "prices", "--plan", await fileOf("list.json", []));
  expect(list.stderr).toContain("expected a plan as a JSON object, or a plan's name");
  expect(program.requests.filter(({ method }) => method === "POST")).toEqual([]);
});

test("a plan that looks for slow requests says that nobody may give up before they are slow", async () => {
  const { stdout } = await over().run("plan", "show", await fileOf("slow.json", { guard: { slowMs: 2_000 } }));
  expect(stdout.replaceAll(/\s+/g, " ")).toContain(
    "slow counts only what lasts longer than 2 s: time limits of applications and their clients have to be longer, or slow requests end before and are not seen",
  );
  expect((await over().run("plan", "show", "careful")).stdout).not.toContain("slow");
});

test("show refuses a plan with rules that could never act, each with its place, and asks no instance", async () => {
  const alerts = [
    { matchers: ['service=~"(?=x)x"'], action: "revert" },
    ...Array.from({ length: 6 }, () => ({ matchers: [`service=~"${"x".repeat(90)}"`], action: "hold" })),
  ];
  const queries = [{ name: "errors", expression: "up{version='{{verison}}'} == 0" }];
  const program = over();
  const { code, stderr } = await program.run("plan", "show", await fileOf("rules.json", { alerts, queries }));
  expect([code, program.requests]).toEqual([2, []]);
  expect(stderr).toContain("rules.json is no usable plan: 3 errors\n");
  expect(stderr).toContain('  /alerts/0/matchers/0: service=~"(?=x)x": RE2,');
  expect(stderr).toMatch(/\n {2}\/alerts\/6\/matchers\/0: .*at most 500 characters together.*about 5\d\d\n/);
  expect(stderr).toContain("  /queries/0/expression: {{verison}} stands for nothing");
});
