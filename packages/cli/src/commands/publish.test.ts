import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { PublishAnswer } from "@sluice/core/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chunks, createTestProgram, obeyed, problem } from "../fake-instance.testing.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-publish-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

const held: PublishAnswer = {
  outcome: "held",
  message: "done",
  dataset: "prices",
  number: 5,
  items: 10_003,
  contentHash: "0".repeat(64),
  difference: {
    added: 3,
    removed: 1,
    changed: 412,
    unchanged: 9_588,
    examples: [
      { key: "sku-1", before: { price: 1999, currency: "CNY" }, after: { price: 1899, currency: "CNY" } },
      { key: "sku-2", before: { price: 5, currency: "CNY" }, after: { price: 5 } },
      { key: "sku-9", after: { price: 100 } },
      { key: "sku-10", before: 7, after: "seven" },
      { key: "sku-3", before: { price: 1 } },
      { key: "sku-4", omitted: true },
    ],
  },
  warnings: [],
  quarantinedChanges: null,
  release: null,
};
const lines = '{"key":"a","value":1}\n{"key":"b","value":2}\n';

test("a held version shows what differs and the exact next command", async () => {
  const program = createTestProgram(() => held);
  const { code, stdout, stderr } = await program.run("publish", "prices", await file("v5.ndjson", lines));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(`v5 of prices (10,003 items) is held: nobody sees it yet
  412 changed, 3 added, 1 removed, 9,588 unchanged
  ~ sku-1   price: 1999 -> 1899
  ~ sku-2   currency: "CNY" -> nothing
  + sku-9   {"price":100}
  ~ sku-10  7 -> "seven"
  - sku-3   {"price":1}
  ~ sku-4   (a long value)
  … and 410 more
  next     sluice release start prices --percent 5
  watch    sluice status prices --watch
`);
  expect(program.requests.map(({ method, path, query, text }) => ({ method, path, query, text }))).toEqual([
    { method: "POST", path: "/v1/datasets/prices/versions", query: {}, text: lines },
  ]);
});

test("a compressed file is not sent, and the way to send it is said", async () => {
  const program = createTestProgram(() => held);
  const path = join(directory, "v5.ndjson.gz");
  await writeFile(path, gzipSync(lines));
  const { code, stderr } = await program.run("publish", "prices", path);
  expect(code).toBe(2);
  expect(stderr).toContain(`gunzip -c ${path} | sluice publish DATASET - --format ndjson`);
  expect(program.requests).toEqual([]);
});

test("the first version is live", async () => {
  const program = createTestProgram(() => ({ ...held, outcome: "live", number: 1, difference: null }));
  const { stdout } = await program.run("publish", "prices", await file("v1.ndjson", lines));
  expect(stdout).toBe("v1 of prices (10,003 items) is live: everybody sees it\n");
});

test("--release --percent starts it there and says how to take it back", async () => {
  const program = createTestProgram(() => ({ ...held, outcome: "started", release: "prices-v5-abc123" }));
  const path = await file("v5.ndjson", lines);
  const { code, stdout } = await program.run("publish", "prices", path, "--release", "--percent", "2.007");
  expect(code).toBe(0);
  expect(stdout).toContain("v5 of prices (10,003 items) is out to 2.007 %\n");
  expect(stdout).toContain("  revert   sluice revert prices\n");
  expect(program.requests[0]?.query).toEqual({ release: "true", thousandths: "2007" });
});

test("--supersede and --accept-quarantined are passed on", async () => {
  const program = createTestProgram(() => ({ ...held, outcome: "started" }));
  const path = await file("v5.ndjson", lines);
  const { stdout } = await program.run("publish", "prices", path, "--release", "--supersede", "--accept-quarantined");
  expect(stdout).toContain("is out to the first step of its plan\n");
  expect(program.requests[0]?.query).toEqual({ release: "true", supersede: "true", acceptQuarantined: "true" });
});

test("options of a release without --release are a usage error, and nothing is sent", async () => {
  const program = createTestProgram(() => held);
  const path = await file("v5.ndjson", lines);
  for (const options of [["--percent", "5"], ["--supersede"], ["--accept-quarantined"]]) {
    expect((await program.run("publish", "prices", path, ...options)).code).toBe(2);
  }
  expect(program.requests).toEqual([]);
});

test("a version that was to be released and is held because of the quarantine ends with 6", async () => {
  const quarantinedChanges = { count: 9_700, of: 10_000, publish: 4 };
  const program = createTestProgram(() => ({ ...held, quarantinedChanges }));
  const path = await file("v5.ndjson", lines);
  const { code, stdout } = await program.run("publish", "prices", path, "--release");
  expect(code).toBe(6);
  expect(stdout).toContain("v5 of prices (10,003 items) is held, NOT started\n");
  expect(stdout).toContain("9,700 of 10,000 changes were in reverted v4");
  expect(stdout).toContain("  next     sluice release start prices --percent 5 --accept-quarantined\n");
  expect((await program.run("publish", "prices", path)).code).toBe(0);
});

test("the same content again is nothing to do, and no failure", async () => {
  const message = "the content is that of v3 of prices, which is stable";
  const program = createTestProgram(() => ({ ...held, outcome: "unchanged", message }));
  const { code, stdout } = await program.run("publish", "prices", await file("v3.ndjson", lines));
  expect({ code, stdout }).toEqual({ code: 0, stdout: `nothing to publish: ${message}\n` });
});

test("warnings of checks are shown", async () => {
  const check = { kind: "keysRemoved", shareMax: 0.05, action: "warn" } as const;
  const warnings = [
    { check, action: "warn", count: 7, message: "7 of 90 keys (7.78 %) are gone", examples: [] },
  ] as const;
  const program = createTestProgram(() => ({ ...held, warnings }));
  const { stdout } = await program.run("publish", "prices", await file("v5.ndjson", lines));
  expect(stdout).toContain("  warning: 7 of 90 keys (7.78 %) are gone\n");
});

test("a refusal by a check ends with 6 and shows what is wrong", async () => {
  const finding = {
    message: "812 of 9,998 changed items change /price by too much",
    count: 812,
    examples: [{ key: "sku-1", path: "/price", reason: "1999 became 19" }],
  };
  const program = createTestProgram(() => problem("CHECK_REFUSED", "v4 of prices is refused", { findings: [finding] }));
  const { code, stdout, stderr } = await program.run("publish", "prices", await file("v4.ndjson", lines));
  expect({ code, stdout }).toEqual({ code: 6, stdout: "" });
  expect(stderr).toBe(`error CHECK_REFUSED: v4 of prices is refused
  812 of 9,998 changed items change /price by too much
    sku-1 /price: 1999 became 19
    … and 811 more
`);
});

test("--json is the answer as it came", async () => {
  const program = createTestProgram(() => held);
  const { stdout } = await program.run("publish", "prices", await file("v5.ndjson", lines), "--json");
  expect(stdout.endsWith("\n")).toBe(true);
  expect(JSON.parse(stdout)).toEqual(held);
});

test("- reads standard input, and its first line tells the format", async () => {
  const types: (string | null)[] = [];
  const inputs = [
    chunks('{"key":"a",', '"value":1}\n{"key":"b","value":2}\n'),
    chunks('{\n  "a": 1\n}'),
    chunks('{"a":1,"b":2}'),
    chunks('\ufeff{"key":"a","value":1}'),
  ];
  for (const stdin of inputs) {
    const program = createTestProgram(() => held, { stdin });
    await program.run("publish", "prices", "-");
    types.push(program.requests[0]?.headers.get("content-type") ?? null);
  }
  expect(types).toEqual(["application/x-ndjson", "application/json", "application/json", "application/x-ndjson"]);
});

test("every byte of standard input arrives, those that told the format included", async () => {
  const parts = ['{"key":"a","va', 'lue":1}\n', '{"key":"b","value":2}\n', '{"key":"c","value":3}\n'];
  const program = createTestProgram(() => held, { stdin: chunks(...parts) });
  await program.run("publish", "prices", "-");
  expect(program.requests[0]?.text).toBe(parts.join(""));
});

test("the file's name tells the format, and --format outranks it", async () => {
  const program = createTestProgram(() => held);
  await program.run("publish", "prices", await file("a.json", "{}"));
  await program.run("publish", "prices", await file("a.jsonl", lines));
  await program.run("publish", "prices", await file("b.json", lines), "--format", "ndjson");
  await program.run("publish", "prices", await file("prices", lines));
  expect(program.requests.map(({ headers }) => headers.get("content-type"))).toEqual([
    "application/json",
    "application/x-ndjson",
    "application/x-ndjson",
    "application/x-ndjson",
  ]);
});

test("a file that is not there is a usage error, and nothing is sent", async () => {
  const program = createTestProgram(() => held);
  const { code, stderr } = await program.run("publish", "prices", join(directory, "missing.ndjson"));
  expect(code).toBe(2);
  expect(stderr).toMatch(/cannot read .*missing\.ndjson \(ENOENT\)/);
  expect((await program.run("publish", "prices", directory)).stderr).toContain("is a directory");
  expect(program.requests).toEqual([]);
});

test("keys and values of the file cannot speak to the terminal", async () => {
  const examples = [{ key: "\u001b[2J", before: "\u001b]0;x\u0007", after: "\u009b1m" }];
  const difference = { added: 0, removed: 0, changed: 1, unchanged: 0, examples };
  const program = createTestProgram(() => ({ ...held, difference }));
  const path = await file("v5.ndjson", lines);
  const human = await program.run("publish", "prices", path);
  expect(human.stdout).toContain("\\u001b[2J");
  const json = await program.run("publish", "prices", path, "--json");
  expect(human.stdout + json.stdout).not.toMatch(obeyed);
  expect(JSON.parse(json.stdout)).toMatchObject({ difference });
});
