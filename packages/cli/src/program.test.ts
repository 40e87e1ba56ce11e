import { Command } from "commander";
import { afterEach, expect, test, vi } from "vitest";
import { createTestProgram, obeyed, problem } from "./fake-instance.testing.ts";
import { datasets, statusOf } from "./statuses.testing.ts";

const commands = [
  ["serve"],
  ["sidecar"],
  ["dataset"],
  ["dataset", "create"],
  ["dataset", "list"],
  ["source"],
  ["source", "add"],
  ["source", "list"],
  ["source", "remove"],
  ["publish"],
  ["patch"],
  ["release"],
  ["release", "start"],
  ["release", "percent"],
  ["release", "hold"],
  ["release", "resume"],
  ["release", "promote"],
  ["release", "show"],
  ["revert"],
  ["guard"],
  ["guard", "off"],
  ["guard", "on"],
  ["plan"],
  ["plan", "list"],
  ["plan", "show"],
  ["lift"],
  ["quarantine"],
  ["quarantine", "list"],
  ["quarantine", "lift"],
  ["alerts"],
  ["alerts", "test"],
  ["alerts", "list"],
  ["status"],
  ["log"],
  ["read"],
];

const failing = (): Response => problem("INTERNAL", "no");
const running = (): unknown => statusOf(datasets.running);

afterEach(() => {
  vi.restoreAllMocks();
});

for (const command of commands) {
  test(`sluice ${command.join(" ")} --help says what it does, with an example`, async () => {
    const { code, stdout, stderr } = await createTestProgram(() => ({})).run(...command, "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`Usage: sluice ${command.join(" ")}`);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ .*sluice /);
    expect(stdout).toContain("--json");
  });
}

test("every command is in the list above", async () => {
  const parse = vi.spyOn(Command.prototype, "parseAsync");
  await createTestProgram(() => ({})).run("--version");
  const root = parse.mock.contexts[0];
  const names = (root instanceof Command ? root.commands : []).flatMap((group) => [
    [group.name()],
    ...group.commands.map((each) => [group.name(), each.name()]),
  ]);
  const known = new Set(commands.map((command) => command.join(" ")));
  expect(names.length).toBe(commands.length);
  expect(names.map((name) => name.join(" ")).filter((name) => !known.has(name))).toEqual([]);
});

test("--help lists the exit codes and the environment", async () => {
  const { stdout } = await createTestProgram(() => ({})).run("--help");
  for (const text of ["0  done", "3  nothing was reverted", "6  refused by a check", "SLUICE_URL", "SLUICE_ACTOR"]) {
    expect(stdout).toContain(text);
  }
});

test("the version is printed", async () => {
  expect(await createTestProgram(() => ({})).run("--version")).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
});

test("what is no command, option or argument ends with 2 and says how it is used", async () => {
  const program = createTestProgram(() => ({}));
  for (const argv of [
    [],
    ["statuss"],
    ["status", "--wach"],
    ["read", "prices"],
    ["release"],
    ["read", "a", "b", "c"],
  ]) {
    const { code, stdout, stderr } = await program.run(...argv);
    expect([argv, code, stdout]).toEqual([argv, 2, ""]);
    expect(stderr).toMatch(/error|Usage/);
  }
  expect((await program.run("statuss")).stderr).toContain("Did you mean status?");
});

test("a usage error with --json is a document too", async () => {
  const { code, stdout } = await createTestProgram(() => ({})).run("release", "percent", "prices", "101", "--json");
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "USAGE" }, exitCode: 2 });
});

test("where a command is missing --json says so", async () => {
  const { code, stdout } = await createTestProgram(() => ({})).run("release", "--json");
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: "USAGE", message: "a command is missing; --help lists them" },
  });
});

test("the exit code tells what kind of failure it was", async () => {
  const cases = [
    ["VALIDATION", 2],
    ["NOTHING_TO_REVERT", 3],
    ["CONFLICT", 4],
    ["RELEASE_ENDED", 4],
    ["NOT_READY", 5],
    ["STORE_UNAVAILABLE", 5],
    ["CHECK_REFUSED", 6],
    ["QUARANTINED", 6],
    ["QUARANTINED_CHANGES", 6],
    ["DATASET_UNKNOWN", 1],
    ["RELEASE_RUNNING", 1],
    ["INTERNAL", 1],
  ] as const;
  for (const [errorCode, exitCode] of cases) {
    const program = createTestProgram(() => problem(errorCode, "no"));
    expect([errorCode, (await program.run("revert", "prices")).code]).toEqual([errorCode, exitCode]);
  }
});

test("no instance at the URL ends with 5 and says what to do", async () => {
  const program = createTestProgram(
    () => {
      throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 10.0.0.1:1") });
    },
    { env: { SLUICE_URL: "http://10.0.0.1:1" } },
  );
  const { code, stdout, stderr } = await program.run("status");
  expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
  expect(stderr).toBe(
    "error UNREACHABLE: no instance answers at http://10.0.0.1:1 (connect ECONNREFUSED 10.0.0.1:1): is `sluice serve` running? SLUICE_URL names the instance\n",
  );
});

test("an error is one line with its code, the first problems and never a stack", async () => {
  const items = Array.from({ length: 12 }, (_, index) => ({ key: `sku-${index}`, path: "/price", reason: "below 0" }));
  const program = createTestProgram(() => problem("CHECK_REFUSED", "812 bad items", { items, total: 812 }));
  const { stderr } = await program.run("revert", "prices");
  expect(stderr.split("\n").slice(0, 3)).toEqual([
    "error CHECK_REFUSED: 812 bad items",
    "  sku-0 /price: below 0",
    "  sku-1 /price: below 0",
  ]);
  expect(stderr).toContain("  … and 802 more\n");
  expect(stderr).not.toContain("    at ");
});

test("a single problem that the message names is not said twice", async () => {
  const items = [{ line: 5, reason: "expected UTF-8, came other bytes" }];
  const message = "the upload has a problem on line 5: expected UTF-8, came other bytes";
  const program = createTestProgram(() => problem("INVALID_JSON", message, { items, total: 1 }));
  expect((await program.run("revert", "prices")).stderr).toBe(`error INVALID_JSON: ${message}\n`);
});

test("--debug and SLUICE_DEBUG show the stack", async () => {
  expect((await createTestProgram(failing).run("status", "--debug")).stderr).toContain("    at ");
  expect((await createTestProgram(failing, { env: { SLUICE_DEBUG: "1" } }).run("status")).stderr).toContain("    at ");
});

test("an error with --json is one document with everything that is known", async () => {
  const program = createTestProgram(() => problem("CONFLICT", "changed meanwhile", { epoch: 4 }));
  const { code, stdout } = await program.run("revert", "prices", "--json");
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toEqual({
    error: { code: "CONFLICT", message: "changed meanwhile", details: { epoch: 4 } },
    exitCode: 4,
  });
});

test("an error's foreign text cannot speak to the terminal", async () => {
  const details = { items: [{ key: "\u001b]0;owned\u0007", reason: "bad\u001b[2J" }] };
  const program = createTestProgram(() => problem("INVALID_ITEM", "in \u001b[31mred", details));
  for (const argv of [
    ["revert", "prices"],
    ["revert", "prices", "--json"],
  ]) {
    const { stdout, stderr } = await program.run(...argv);
    expect(stdout + stderr).not.toMatch(obeyed);
  }
  expect((await program.run("rev\u001b[31mert")).stderr).not.toContain("\u001b");
});

test("commands go to --url, else to SLUICE_URL, else to this machine, under the actor's name", async () => {
  const asked: [string, string | null][] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    asked.push([request.url, request.headers.get("sluice-actor")]);
    return Response.json(statusOf());
  };
  await createTestProgram(() => ({}), { fetch }).run("status");
  const env = { SLUICE_URL: "http://env:1", SLUICE_ACTOR: "deploy-bot" };
  await createTestProgram(() => ({}), { fetch, env }).run("status");
  await createTestProgram(() => ({}), { fetch, env }).run("status", "--url", "http://option:2/");
  expect(asked).toEqual([
    ["http://127.0.0.1:7070/v1/status", "li.wei"],
    ["http://env:1/v1/status", "deploy-bot"],
    ["http://option:2/v1/status", "deploy-bot"],
  ]);
});

test("a URL that is none ends with 2", async () => {
  expect((await createTestProgram(() => ({})).run("status", "--url", "origin:7070")).code).toBe(2);
});

test("colours are for a terminal, and NO_COLOR turns them off", async () => {
  expect((await createTestProgram(running).run("status")).stdout).not.toContain("\u001b");
  expect((await createTestProgram(running, { tty: true }).run("status")).stdout).toContain("\u001b[");
  const quiet = createTestProgram(running, { tty: true, env: { NO_COLOR: "1" } });
  expect((await quiet.run("status")).stdout).not.toContain("\u001b");
});
