import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AlertsAnswer } from "@sluice/core/api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chunks, createTestProgram, obeyed, problem, type TestOptions } from "../fake-instance.testing.ts";
import { datasets, statusOf } from "../statuses.testing.ts";

const webhook = { version: "4", alerts: [{ status: "firing", labels: { alertname: "Errors" } }] };

const answer: AlertsAnswer = {
  dryRun: true,
  received: 3,
  truncated: 2,
  refused: [{ index: 1, reason: "/labels/note: too long" }],
  alerts: [
    {
      name: "Errors",
      fingerprint: "8d3f21c9aa00b1e2",
      status: "firing",
      effects: [
        {
          release: "prices-v4-x7k2mq",
          dataset: "prices",
          publish: 4,
          action: "revert",
          rule: 'severity="page", service=~"checkout|cart"',
          outcome: "would",
          message: null,
        },
        {
          release: "stock-v2-a1b2c3",
          dataset: "stock",
          publish: 2,
          action: "hold",
          rule: null,
          outcome: "would",
          message: "when the hold of person anna has ended",
        },
      ],
      reasons: ["v9 of flags: no rule of its plan matches"],
    },
    { name: "Disk\u001b[31m", fingerprint: "00", status: "resolved", effects: [], reasons: ["it holds nothing"] },
  ],
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-alerts-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

const testing = (options: TestOptions = {}): ReturnType<typeof createTestProgram> =>
  createTestProgram(() => answer, options);

test("alerts test sends the webhook as it is, asks what it would do, and says it for each alert", async () => {
  const program = testing();
  const { code, stdout } = await program.run("alerts", "test", fileOf("payload.json", JSON.stringify(webhook)));
  expect(program.requests[0]).toMatchObject({
    method: "POST",
    path: "/v1/alerts/alertmanager",
    query: { dryRun: "true" },
  });
  expect(JSON.parse(program.requests[0]?.text ?? "")).toEqual(webhook);
  expect(stdout).toBe(
    [
      "Errors firing (8d3f21c9aa00b1e2)",
      '  would revert v4 of prices (prices-v4-x7k2mq), by severity="page", service=~"checkout|cart"',
      "  would hold v2 of stock (stock-v2-a1b2c3), when the hold of person anna has ended",
      "  not v9 of flags: no rule of its plan matches",
      "Disk\\u001b[31m resolved (00)",
      "  nothing: it holds nothing",
      "alert 2 cannot be read: /labels/note: too long",
      "2 alerts were left out by the sender",
      "",
    ].join("\n"),
  );
  expect(stdout).not.toMatch(obeyed);
  // Something in it could not be read, which a script is to notice.
  expect(code).toBe(1);
});

test("one alert as POST /v1/alerts takes it is read from standard input, and --json prints the answer as it came", async () => {
  const body = { name: "probe", dataset: "prices", action: "hold" };
  const program = testing({ stdin: chunks(JSON.stringify(body)) });
  const { stdout } = await program.run("alerts", "test", "-", "--json");
  expect(program.requests[0]).toMatchObject({ path: "/v1/alerts", query: { dryRun: "true" } });
  expect(JSON.parse(program.requests[0]?.text ?? "")).toEqual(body);
  expect(JSON.parse(stdout)).toEqual(answer);
});

test.each([
  [["--token-file", "token"], {}, "Bearer from-file"],
  [[], { SLUICE_ALERTS_TOKEN: "from-env" }, "Bearer from-env"],
  [["--token-file", "token"], { SLUICE_ALERTS_TOKEN: "from-env" }, "Bearer from-file"],
  [[], {}, null],
])("the token of %j and %j goes with it", async (args, env, authorization) => {
  fileOf("token", "\nfrom-file\nolder\n");
  const program = testing({ env });
  const payload = fileOf("payload.json", JSON.stringify(webhook));
  await program.run(
    "alerts",
    "test",
    payload,
    ...args.map((each) => (each === "token" ? join(directory, each) : each)),
  );
  expect(program.requests[0]?.headers.get("authorization")).toBe(authorization);
});

test("an instance that wants a token says so", async () => {
  const program = createTestProgram(() => problem("UNAUTHORIZED", "alerts are taken with a token alone"));
  const { code, stderr } = await program.run("alerts", "test", fileOf("payload.json", JSON.stringify(webhook)));
  expect(code).toBe(1);
  expect(stderr).toContain("alerts are taken with a token alone");
});

test("what is no JSON, or no object, is refused before anything is sent", async () => {
  for (const text of ["{", "[1]x", "7", "null"]) {
    const program = testing();
    expect((await program.run("alerts", "test", fileOf("payload.json", text))).code).toBe(2);
    expect(program.requests).toEqual([]);
  }
});

test("alerts list shows the newest alerts of the log with their labels, and nothing else of it", async () => {
  const by = { kind: "alert", name: "Errors" };
  const at = Date.UTC(2026, 10, 11, 0, 3);
  const lines = [
    {
      sequence: 1,
      at,
      by,
      event: { type: "release-held", release: "prices-v4-x7k2mq", cause: { reason: "r", evidence: null } },
    },
    ...["page", "warning"].map((severity, index) => ({
      sequence: 2 + index,
      at,
      by,
      event: {
        type: "alert-received",
        name: "Errors",
        status: "firing",
        labels: { alertname: "Errors", severity },
        action: "hold",
        release: "prices-v4-x7k2mq",
      },
    })),
  ];
  const log = (): Response => new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const program = createTestProgram(({ path }) => (path === "/v1/status" ? statusOf(datasets.running) : log()));
  const { stdout } = await program.run("alerts", "list", "--limit", "1");
  expect(stdout.trimEnd().split("\n")).toEqual([
    "2026-11-11 00:03:00  alert Errors        prices        alert Errors firing: hold v4",
    '    alertname="Errors", severity="warning"',
  ]);
});

test("alerts list says what changed nothing, and what fires now, whoever holds", async () => {
  const event = {
    type: "alert-received",
    name: "p3",
    status: "firing",
    labels: { alertname: "p3" },
    action: "none",
    release: "prices-v4-x7k2mq",
  };
  const line = { sequence: 1, at: Date.UTC(2026, 10, 11, 0, 3), by: { kind: "alert", name: "p3" }, event };
  const waits = "alert p3 is firing: card failures; it is held for that when the hold in force has ended";
  const query = "query cand fails of prices fires: {} 1; anna let it go on all the same";
  const health = { ok: false, reasons: [waits, query, "source main is failing: alert upstream"] };
  const program = createTestProgram(({ path }) =>
    path === "/v1/status"
      ? statusOf({ ...datasets.heldByHand, health }, { ...datasets.running, name: "stock" })
      : new Response(`${JSON.stringify(line)}\n`),
  );
  const { stdout } = await program.run("alerts", "list");
  expect(stdout.trimEnd().split("\n")).toEqual([
    "2026-11-11 00:03:00  alert p3            prices        alert p3 firing: changed nothing of v4",
    '    alertname="p3"',
    "now",
    `    prices: ${waits}`,
    `    prices: ${query}`,
  ]);
  const json = JSON.parse((await program.run("alerts", "list", "--json")).stdout) as { now: object[] };
  expect(json.now).toEqual([
    { dataset: "prices", reason: waits },
    { dataset: "prices", reason: query },
  ]);
});

test("without any alert that is said", async () => {
  const program = createTestProgram(({ path }) => (path === "/v1/status" ? statusOf() : new Response("")));
  const { stdout, stderr } = await program.run("alerts", "list");
  expect([stdout, stderr]).toEqual(["", "no alert came in yet\n"]);
});
