import { expect, test } from "vitest";
import { chunks, createTestProgram, problem } from "./fake-instance.testing.ts";
import { datasets, statusOf } from "./statuses.testing.ts";

const url = "http://10.0.0.7:7070";
const done = { outcome: "done", message: "done", sequence: 1, release: null, receipt: null };
const restoredAnswer = { ...done, outcome: "unchanged", message: "v3 is stable already", restored: null };
const held = {
  outcome: "held",
  message: "done",
  dataset: "prices",
  number: 5,
  items: 1,
  contentHash: "0".repeat(64),
  difference: null,
  warnings: [],
  quarantinedChanges: null,
  release: null,
};
const mark = {
  ...datasets.reverted.lastRevert,
  publish: 4,
  release: "prices-v4-x7k2mq",
  reason: "wrong",
  liftedKeys: 0,
};
const marked = { ...datasets.idle, quarantine: [{ at: 1, by: { kind: "person", name: "li.wei" }, ...mark }] };

/** The commands that a run prints, with what comes behind them. */
async function printed(answer: unknown, ...argv: string[]): Promise<string[]> {
  const program = createTestProgram(
    ({ path }) => (path === "/v1/status" ? { ...statusOf(), datasets: [marked] } : answer),
    { stdin: chunks('{"key":"a","value":1}\n') },
  );
  const { stdout, stderr } = await program.run(...argv);
  return `${stdout}${stderr}`.match(/sluice [^;\n]*/g) ?? [];
}

test("whatever command is printed goes to the instance that --url named", async () => {
  const runs: readonly [unknown, readonly string[], readonly string[]][] = [
    [held, ["publish", "prices", "-"], ["release start prices --percent 5", "status prices --watch"]],
    [
      { ...held, outcome: "started" },
      ["publish", "prices", "-", "--release"],
      ["status prices --watch", "revert prices"],
    ],
    [done, ["quarantine", "list"], ["quarantine lift prices 4"]],
    [done, ["status"], ["quarantine list prices"]],
    [done, ["dataset", "create", "prices"], ["publish prices FILE"]],
    [done, ["source", "add", "prices", "http://merch/prices"], ["status prices --watch"]],
    [restoredAnswer, ["revert", "prices", "--to", "3"], ["status prices"]],
    [problem("CONFLICT", "no"), ["quarantine", "lift", "prices", "4"], ["status"]],
    [
      problem("QUARANTINED", "this content is v4, reverted; lift it with: sluice quarantine lift prices 4"),
      ["publish", "prices", "-"],
      ["quarantine lift prices 4"],
    ],
    [done, ["release", "promote", "prices"], ["publish prices FILE"]],
  ];
  for (const [answer, argv, commands] of runs) {
    expect(await printed(clone(answer), ...argv, "--url", url)).toEqual(
      commands.map((text) => `sluice ${text} --url ${url}`),
    );
    expect(await printed(clone(answer), ...argv)).toEqual(commands.map((text) => `sluice ${text}`));
  }
});

test("what a follower lists in quarantine is lifted at the origin", async () => {
  const following = { url: "http://origin:7070", contactAgeMs: 400, connected: true };
  const program = createTestProgram(() => ({ ...statusOf(), datasets: [marked], following }));
  const { stdout } = await program.run("quarantine", "list", "--url", url);
  expect(stdout).toContain("  sluice quarantine lift prices 4 --url http://origin:7070\n");
});

test("behind a sidecar's sidecar commands go to the origin, and what one host can do goes to that host", async () => {
  const following = { url: "http://s2:7070", contactAgeMs: 400, connected: true };
  const program = createTestProgram(({ path }) =>
    path === "/v1/status"
      ? { ...statusOf(), datasets: [datasets.running, marked], following }
      : problem("NOT_ORIGIN", "give them to it", { origin: "http://origin:7070" }),
  );
  const { stdout } = await program.run("status", "--url", url);
  expect(stdout).toContain("follows http://s2:7070");
  expect(stdout.match(/sluice .*/g)).toEqual([
    "sluice revert prices --url http://origin:7070",
    "sluice quarantine list prices --url http://origin:7070",
  ]);
  expect((await program.run("quarantine", "list", "--url", url)).stdout).toContain(
    "  sluice quarantine lift prices 4 --url http://origin:7070\n",
  );
});

test("a follower that cannot say where the origin is has commands go to whom it follows", async () => {
  const following = { url: "http://s2:7070", contactAgeMs: 400, connected: true };
  const program = createTestProgram(({ path }) =>
    path === "/v1/status" ? { ...statusOf(datasets.running), following } : problem("NOT_READY", "not now"),
  );
  expect((await program.run("status", "--url", url)).stdout).toContain("sluice revert prices --url http://s2:7070");
});

test("plans are listed without an instance, and a command that names one stays as it is", async () => {
  const program = createTestProgram(() => problem("VALIDATION", "ask the owner: sluice status --url http://b:7070"));
  expect((await program.run("status", "--url", url)).stderr).toContain(
    "ask the owner: sluice status --url http://b:7070\n",
  );
  const unnamed = await program.run("release", "start", "prices", "--plan", "nothing-like-it", "--url", url);
  expect(unnamed.stderr).toContain("names are listed by: sluice plan list\n");
});

/** A response can be read once. */
function clone(answer: unknown): unknown {
  return answer instanceof Response ? answer.clone() : answer;
}
