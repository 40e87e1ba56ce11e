import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chunks, createTestProgram, obeyed, problem } from "../fake-instance.testing.ts";
import { datasets, statusOf } from "../statuses.testing.ts";

const done = { outcome: "done", message: "done", sequence: 1, release: null, receipt: null };
const bodyOf = (text: string | undefined): unknown =>
  text === undefined || text === "" ? undefined : JSON.parse(text);

test("a dataset is created with what was asked for and nothing else", async () => {
  const program = createTestProgram(() => done);
  const { code, stdout } = await program.run("dataset", "create", "prices");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "dataset prices is created; give it its first version with:\n  sluice publish prices FILE\n",
  });
  await program.run("dataset", "create", "stock", "--policy", "immediate", "--template", "stock");
  await program.run("dataset", "create", "promotions", "--steps", "1:10m,2.5:30s,50", "--bake", "2h", "--manual");
  expect(program.requests.map(({ text }) => bodyOf(text))).toEqual([
    { name: "prices" },
    { name: "stock", policy: "immediate", template: "stock" },
    {
      name: "promotions",
      plan: {
        steps: [
          { thousandths: 1_000, holdMs: 600_000 },
          { thousandths: 2_500, holdMs: 30_000 },
          { thousandths: 50_000, holdMs: 600_000 },
        ],
        bakeMs: 7_200_000,
        automatic: false,
      },
    },
  ]);
});

test("a plan and checks come from files, and options outrank the plan's file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-dataset-"));
  try {
    const plan = join(directory, "plan.json");
    await writeFile(plan, '{"bakeMs": 1, "guard": {"failuresMin": 5}}');
    const checks = '[{"kind": "keysRemoved", "shareMax": 0.1, "action": "warn"}]';
    const program = createTestProgram(() => done, { stdin: chunks(checks) });
    await program.run("dataset", "create", "prices", "--plan", plan, "--bake", "1s", "--checks", "-");
    expect(bodyOf(program.requests[0]?.text)).toEqual({
      name: "prices",
      checks: [{ kind: "keysRemoved", shareMax: 0.1, action: "warn" }],
      plan: { bakeMs: 1_000, guard: { failuresMin: 5 } },
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("what the instance finds wrong in a body is listed, and is a usage error", async () => {
  const problems = [{ path: "/name", reason: "lower-case letters, digits and dashes" }];
  const program = createTestProgram(() => problem("VALIDATION", "the body: /name: …", { problems, total: 1 }));
  const { code, stderr } = await program.run("dataset", "create", "Prices");
  expect(code).toBe(2);
  expect(stderr).toContain("  /name: lower-case letters, digits and dashes\n");
});

test("steps and durations that are none are usage errors", async () => {
  const program = createTestProgram(() => done);
  for (const steps of ["1:10", "101:10m", "1:10m:5", ""]) {
    expect((await program.run("dataset", "create", "prices", "--steps", steps)).code).toBe(2);
  }
  expect((await program.run("dataset", "create", "prices", "--policy", "sometimes")).code).toBe(2);
  expect(program.requests).toEqual([]);
});

test("datasets are listed with what is out", async () => {
  const program = createTestProgram(() => statusOf(datasets.running, datasets.empty, datasets.patched));
  expect((await program.run("dataset", "list")).stdout).toBe(`prices      canary     v3, 9,998 items; v4 is out to 5 %
promotions  canary     nothing out yet
stock       immediate  v3, 9,998 items
`);
  const { stdout } = await program.run("dataset", "list", "--json");
  expect(JSON.parse(stdout)).toEqual({ datasets: [datasets.running, datasets.empty, datasets.patched] });
});

test("a source is added by URL or by path", async () => {
  const program = createTestProgram(() => done);
  const { stdout } = await program.run(
    "source",
    "add",
    "prices",
    "http://merch/prices",
    "--every",
    "5s",
    "--on-new",
    "release",
  );
  expect(stdout).toBe("source main of prices is added: http://merch/prices\n  sluice status prices --watch\n");
  await program.run("source", "add", "stock", "/srv/my stock.ndjson", "--id", "warehouse");
  expect(program.requests.map(({ path, text }) => [path, bodyOf(text)])).toEqual([
    ["/v1/datasets/prices/sources", { url: "http://merch/prices", intervalMs: 5_000, onNew: "release" }],
    ["/v1/datasets/stock/sources", { url: "file:///srv/my%20stock.ndjson", id: "warehouse" }],
  ]);
});

test("a host without http:// is no path", async () => {
  const program = createTestProgram(() => done);
  for (const host of ["127.0.0.1:8080/prices.ndjson", "merch.internal:9000", "[::1]:8080/x"]) {
    const { code, stderr } = await program.run("source", "add", "prices", host);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `error VALIDATION: expected a URL or a path, came ${host}; did you mean http://${host}?\n`,
    });
  }
  expect(program.requests).toEqual([]);
});

test("sources are listed with how they fare, and removed by id", async () => {
  const program = createTestProgram(({ method }) => (method === "GET" ? statusOf(datasets.failingSource) : done));
  const { stdout } = await program.run("source", "list", "prices");
  expect(stdout.split("\n")[1]).toBe(
    "prices  spare ok; reached 12 s ago, watched, holds what is new; file:///srv/prices.ndjson",
  );
  const json = await program.run("source", "list", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    sources: [{ dataset: "prices", id: "main", state: "failing" }, { id: "spare" }],
  });
  expect((await program.run("source", "remove", "prices", "main")).stdout).toBe("source main of prices is removed\n");
  expect(program.requests.at(-1)).toMatchObject({ method: "DELETE", path: "/v1/datasets/prices/sources/main" });
});

test("marks are listed with the command that lifts them", async () => {
  const program = createTestProgram(() => statusOf(datasets.reverted, datasets.patched));
  expect((await program.run("quarantine", "list")).stdout).toBe(
    `prices v4  reverted 5 min ago by guard comparative: the candidate failed 31 of 402, the control 9 of 7,812
  sluice quarantine lift prices 4
`,
  );
  const none = await program.run("quarantine", "list", "stock");
  expect(none).toEqual({ code: 0, stdout: "", stderr: "nothing is in quarantine\n" });
  const json = await program.run("quarantine", "list", "stock", "--json");
  expect(json).toEqual({ code: 0, stdout: '{"quarantine":[]}\n', stderr: "" });
});

test("what a restore took back is told from what a revert did", async () => {
  const { quarantine, ...reverted } = datasets.reverted;
  const taken = quarantine.map((mark) => ({ ...mark, release: null, reason: "tenfold prices" }));
  const program = createTestProgram(() => statusOf({ ...reverted, quarantine: taken }));
  expect((await program.run("quarantine", "list", "prices")).stdout).toContain(
    "prices v4  taken back by a restore 5 min ago by guard comparative: tenfold prices\n",
  );
});

test("a mark is lifted whole or by key", async () => {
  const program = createTestProgram(() => done);
  const { stdout } = await program.run("quarantine", "lift", "prices", "v4");
  expect(stdout).toBe("v4 of prices may come back: publish it again\n");
  const some = ["--key", "sku-1", "sku-2", "--reason", "right after all"];
  expect((await program.run("quarantine", "lift", "prices", "4", ...some)).stdout).toBe(
    "2 keys of v4 of prices may come back in a new version; v4 as a whole may not\n",
  );
  expect(program.requests.map(({ text }) => bodyOf(text))).toEqual([
    { publish: 4 },
    { publish: 4, keys: ["sku-1", "sku-2"], reason: "right after all" },
  ]);
  expect((await program.run("quarantine", "lift", "prices", "latest")).code).toBe(2);
});

test("a lift says how to start the version that is held, at the instance that was asked", async () => {
  const message = "v5 of prices, which is held, can be started: sluice release start prices";
  const program = createTestProgram(() => ({ ...done, message }));
  const { stdout } = await program.run("quarantine", "lift", "prices", "4", "--url", "http://127.0.0.1:9");
  expect(stdout).toBe(`v4 of prices may come back: publish it again\n${message} --url http://127.0.0.1:9\n`);
});

test("keys that the version never changed are said to be left out", async () => {
  const message = "1 of 2 keys lifted; v4 of prices never changed sku-9";
  const program = createTestProgram(() => ({ ...done, message }));
  expect((await program.run("quarantine", "lift", "prices", "4", "--key", "sku-1", "sku-9")).stdout).toBe(
    `${message}; v4 as a whole may not come back\n`,
  );
});

test("an item is read as everybody or as one user sees it", async () => {
  const answer = {
    dataset: "prices",
    key: "sku-1",
    value: { price: 1899, name: "雨伞" },
    version: 4,
    arm: "candidate",
    release: "prices-v4-x7k2mq",
  };
  const program = createTestProgram(() => answer);
  expect(await program.run("read", "prices", "sku-1", "--as", "user-42")).toEqual({
    code: 0,
    stdout: '{\n  "price": 1899,\n  "name": "雨伞"\n}\n',
    stderr: "v4 of prices, as user-42 sees it (candidate) in release prices-v4-x7k2mq\n",
  });
  expect(program.requests[0]?.query).toEqual({ as: "user-42" });
  const json = await program.run("read", "prices", "sku-1", "--json");
  expect(json.stderr).toBe("");
  expect(JSON.parse(json.stdout)).toEqual(answer);
});

test("a value that holds escape sequences is shown and can still be piped on", async () => {
  const value = { name: "\u001b[31m\u009b\u202e" };
  const program = createTestProgram(() => ({
    dataset: "prices",
    key: "k",
    value,
    version: 4,
    arm: null,
    release: null,
  }));
  const { stdout } = await program.run("read", "prices", "k");
  expect(stdout).not.toMatch(obeyed);
  expect(JSON.parse(stdout)).toEqual(value);
});

test("a key that is not there ends with 1", async () => {
  const program = createTestProgram(() => problem("KEY_UNKNOWN", "v3 of prices has no item sku-0"));
  expect(await program.run("read", "prices", "sku-0")).toEqual({
    code: 1,
    stdout: "",
    stderr: "error KEY_UNKNOWN: v3 of prices has no item sku-0\n",
  });
});
