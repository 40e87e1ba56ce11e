import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandAnswer, DatasetStatus, PublishAnswer } from "@sluice/core/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Answer,
  createTestProgram,
  problem,
  type TestOptions,
  type TestProgram,
} from "../fake-instance.testing.ts";
import { datasets, statusOf } from "../statuses.testing.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-publish-plan-"));
  await writeFile(join(directory, "v5.ndjson"), '{"key":"a","value":1}\n');
});
afterAll(() => rm(directory, { recursive: true }));

const contentHash = "a".repeat(64);
const held: PublishAnswer = {
  outcome: "held",
  message: "done",
  dataset: "prices",
  number: 5,
  items: 10_003,
  contentHash,
  difference: null,
  warnings: [],
  quarantinedChanges: null,
  release: null,
};
const started: CommandAnswer = {
  outcome: "done",
  message: "done",
  sequence: 9,
  release: "prices-v5-x7k2mq",
  receipt: null,
};
const versions = "/v1/datasets/prices/versions";
const starting = "/v1/datasets/prices/release";

function unchanged(): PublishAnswer {
  return { ...held, outcome: "unchanged", number: 7 };
}

/** An instance with the dataset as it is given, that publishes and starts. */
function instance(
  given: { dataset?: DatasetStatus; publish?: () => unknown; start?: () => unknown } = {},
  options?: TestOptions,
): TestProgram & { publish(...options: readonly string[]): ReturnType<TestProgram["run"]> } {
  const { dataset = datasets.idle, publish = () => held, start = () => started } = given;
  const answer: Answer = ({ path }) => {
    if (path === versions) return publish();
    return path === starting ? start() : statusOf(dataset);
  };
  const program = createTestProgram(answer, options);
  return {
    ...program,
    publish: (...rest) => program.run("publish", "prices", join(directory, "v5.ndjson"), "--release", ...rest),
  };
}

function changes(program: TestProgram): { path: string; query: unknown; body: unknown }[] {
  return program.requests
    .filter(({ method }) => method === "POST")
    .map(({ path, query, text }) => ({ path, query, body: path === versions ? null : JSON.parse(text) }));
}

test("a release of a publish goes by the plan that is named, and the dataset's is left alone", async () => {
  const program = instance();
  const { code, stdout } = await program.publish("--plan", "canary-10-for-20m");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `v5 of prices (10,003 items) is out to the first step of its plan
  watch    sluice status prices --watch
  revert   sluice revert prices
`,
  });
  expect(changes(program)).toEqual([
    { path: versions, query: {}, body: null },
    {
      path: starting,
      query: {},
      body: { publish: 5, plan: "canary-10-for-20m", thousandths: null, acceptQuarantined: false },
    },
  ]);
});

test("a plan of one's own comes from a file, with a first percentage beside it", async () => {
  const plan = join(directory, "plan.json");
  await writeFile(plan, '{"bakeMs": "2h"}');
  const program = instance();
  const { stdout } = await program.publish("--plan", plan, "--percent", "2.5", "--accept-quarantined", "--json");
  expect(changes(program)[1]?.body).toEqual({
    publish: 5,
    plan: { bakeMs: 7_200_000 },
    thousandths: 2_500,
    acceptQuarantined: true,
  });
  expect(JSON.parse(stdout)).toMatchObject({ outcome: "started", number: 5, release: "prices-v5-x7k2mq" });
});

test("a plan with errors publishes nothing", async () => {
  const plan = join(directory, "wrong.json");
  await writeFile(plan, '{"bakeMs": "soon"}');
  const program = instance();
  const { code, stderr } = await program.publish("--plan", plan);
  expect(code).toBe(2);
  expect(stderr).toContain("is no usable plan: 1 error");
  expect((await program.publish("--plan", "linear-0-every-6m")).code).toBe(2);
  await writeFile(plan, '{"alerts": [{"matchers": ["a=~(?=x)"], "action": "revert"}]}');
  expect((await program.publish("--plan", plan)).stderr).toContain("/alerts/0/matchers/0: ");
  expect(program.requests).toEqual([]);
});

test("an immediate dataset takes no plan with a publish, since everybody would see the version before its release", async () => {
  const program = instance({ dataset: { ...datasets.idle, policy: "immediate" } });
  const { code, stderr } = await program.publish("--plan", "careful");
  expect(code).toBe(2);
  expect(stderr).toContain("prices is an immediate dataset");
  expect(changes(program)).toEqual([]);
});

test("--plan goes with --release, not with --supersede, and not from the standard input that has the items", async () => {
  const program = instance();
  const file = join(directory, "v5.ndjson");
  expect((await program.run("publish", "prices", file, "--plan", "careful")).code).toBe(2);
  const superseding = await program.publish("--plan", "careful", "--supersede");
  expect(superseding.code).toBe(2);
  expect(superseding.stderr).toContain("revert what runs first");
  expect((await program.run("publish", "prices", "-", "--release", "--plan", "-")).code).toBe(2);
  expect(program.requests).toEqual([]);
});

test("what the instance does not start is held, and the error says how it is started by hand, there", async () => {
  const program = instance({
    start: () => problem("VALIDATION", "the plan: /queries/0: this origin asks no Prometheus"),
  });
  const { code, stderr } = await program.publish("--plan", "careful", "--url", "http://127.0.0.1:9999");
  expect(code).toBe(2);
  expect(stderr).toBe(`error VALIDATION: the plan: /queries/0: this origin asks no Prometheus
v5 of prices is published and held, NOT started; start it with: sluice release start prices --plan careful --url http://127.0.0.1:9999
`);
});

test("changes that were reverted are held for a person to accept, with the plan in the command that does", async () => {
  const quarantinedChanges = { count: 3, of: 4, publish: 4 };
  const program = instance({ publish: () => ({ ...held, quarantinedChanges }) });
  const { code, stdout } = await program.publish("--plan", "careful");
  expect(code).toBe(6);
  expect(stdout).toContain("  next     sluice release start prices --plan careful --accept-quarantined\n");
  expect(changes(program)).toHaveLength(1);
});

test("the first version is live, and nothing is started", async () => {
  const program = instance({ publish: () => ({ ...held, outcome: "live", number: 1 }) });
  expect(await program.publish("--plan", "careful")).toMatchObject({
    code: 0,
    stdout: "v1 of prices (10,003 items) is live: everybody sees it\n",
  });
  expect(changes(program)).toHaveLength(1);
});

test("the very content that is held is started once more by the plan; what is out or stable is not", async () => {
  const candidate = { ...assertHeld(datasets.held), publish: 6, contentHash };
  const waiting = instance({ dataset: { ...datasets.held, candidate }, publish: unchanged });
  expect((await waiting.publish("--plan", "careful")).stdout).toContain("v7 of prices (10,003 items) is out to");
  expect(changes(waiting)[1]?.body).toMatchObject({ publish: 6 });

  const stable = instance({ dataset: datasets.held, publish: unchanged });
  expect((await stable.publish("--plan", "careful")).stdout).toContain("nothing to publish");
  const out = instance({ dataset: { ...datasets.running, candidate }, publish: unchanged });
  expect((await out.publish("--plan", "careful")).stdout).toContain("nothing to publish");
  expect([...changes(stable), ...changes(out)].map(({ path }) => path)).toEqual([versions, versions]);
});

function assertHeld({ candidate }: DatasetStatus): NonNullable<DatasetStatus["candidate"]> {
  if (candidate === null) throw new Error("this sample has a version that is held");
  return candidate;
}
