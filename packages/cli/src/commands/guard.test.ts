import type { CommandAnswer, DatasetStatus } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createTestProgram, type TestProgram } from "../fake-instance.testing.ts";
import { datasets, statusOf } from "../statuses.testing.ts";

const release = "prices-v4-x7k2mq";
const answer: CommandAnswer = { outcome: "done", message: "done", sequence: 40, release, receipt: null };

function over(dataset: DatasetStatus): TestProgram {
  return createTestProgram(({ method }) => (method === "GET" ? statusOf(dataset) : answer));
}

const commandsOf = (program: TestProgram): [string, unknown][] =>
  program.requests.filter(({ method }) => method !== "GET").map(({ path, text }) => [path, JSON.parse(text)]);

const off = ["guard", "off", "prices"] as const;

test("a guard is turned off with a reason and a time, and said to be off at once", async () => {
  const program = over(datasets.guardOff);
  const { code, stdout } = await program.run(...off, "--reason", "the payment provider is down", "--for", "10m");
  expect(code).toBe(0);
  expect(commandsOf(program)).toEqual([
    [`/v1/releases/${release}/guard-off`, { forMs: 600_000, reason: "the payment provider is down" }],
  ]);
  expect(stdout).toContain(
    "the guard of v4 of prices is OFF for 10 min: until then only people, alerts and queries revert it\n",
  );
  expect(stdout).toContain("GUARD OFF\n");
  expect(stdout).toContain(
    "  guard    OFF until 00:16:00 (6 min more) by li.wei: the payment provider is\n           down\n",
  );
  expect(stdout).toContain("sluice guard on prices\n");
});

test("without a reason, without a time, or for longer than a night nothing is asked of the instance", async () => {
  const program = over(datasets.running);
  for (const argv of [
    ["--reason", "x"],
    ["--for", "10m"],
    ["--reason", "x", "--for", "13h"],
    ["--reason", "x", "--for", "999ms"],
    ["--reason", "x", "--for", "ever"],
  ]) {
    expect([argv, (await program.run(...off, ...argv)).code]).toEqual([argv, 2]);
  }
  expect((await program.run(...off, "--reason", "x", "--for", "13h")).stderr).toContain("a guard is off for 1s to 12h");
  expect(program.requests).toEqual([]);
});

test("a guard is turned on again before its time", async () => {
  const program = over(datasets.running);
  const { code, stdout } = await program.run("guard", "on", "prices", "--reason", "the provider is back");
  expect(code).toBe(0);
  expect(commandsOf(program)).toEqual([[`/v1/releases/${release}/guard-on`, { reason: "the provider is back" }]]);
  expect(stdout).toContain("the guard of v4 of prices is on again\n");
});

test("where nothing runs there is no guard to turn off", async () => {
  const { code, stderr } = await over(datasets.idle).run(...off, "--reason", "x", "--for", "10m");
  expect(code).toBe(1);
  expect(stderr).toContain("nothing runs or bakes on prices");
});

test("on a terminal nobody overlooks that the guard is off", async () => {
  const program = createTestProgram(() => statusOf(datasets.guardOff), { tty: true });
  const { stdout } = await program.run("status");
  // Inverse and bold.
  expect(stdout).toContain("\u001b[1m\u001b[7m\u001b[31mOFF until 00:16:00");
});
