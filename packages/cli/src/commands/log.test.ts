import type { Event, LoggedEvent } from "@sluice/core";
import { createGuard, defaultPlan, tickGuard } from "@sluice/core";
import { expect, test } from "vitest";
import { createTestProgram, obeyed } from "../fake-instance.testing.ts";
import { datasets, nowMs, statusOf } from "../statuses.testing.ts";

const release = "prices-v4-x7k2mq";
const person = { kind: "person", name: "li.wei" } as const;
const hash = "0".repeat(64);
const origin = { source: "main", bytesHash: hash };
const difference = { added: 3, removed: 1, changed: 412, unchanged: 9_585, examples: [] };
const content = {
  base: { parts: [{ name: hash, bytes: 1, items: 9_998, contentHash: hash }], layers: [] },
  overlay: null,
  contentHash: hash,
  items: 9_998,
};
const published = {
  dataset: "prices",
  content,
  origin,
  difference,
  warnings: [],
  changes: null,
  quarantinedChanges: null,
};
const plan = { ...defaultPlan, steps: [{ thousandths: 1_000, holdMs: 60_000 }], promotion: null };
const evidence = {
  ...tickGuard(createGuard(defaultPlan.guard, { epoch: 2, thousandths: 5_000 }), 0).evidence,
  candidateRequests: 402,
  candidateFailures: 31,
  controlRequests: 7_812,
  controlFailures: 9,
};

const at = (index: number, event: Event, by: LoggedEvent["by"] = person): LoggedEvent => ({
  sequence: index + 1,
  at: nowMs + index * 1_000,
  by,
  event,
});
const source = { kind: "source", name: "main" } as const;
const guard = { kind: "guard", name: "comparative" } as const;

/** One of every kind that the log has. */
const story: LoggedEvent[] = [
  at(0, { type: "dataset-created", dataset: "prices", policy: "canary", plan, checks: [] }),
  at(1, {
    type: "source-added",
    dataset: "prices",
    source: { id: "main", url: "http://merch/prices", intervalMs: 30_000, onNew: "release" },
  }),
  at(2, { type: "version-published", ...published, number: 3, parent: null, live: true }, source),
  at(3, { type: "version-published", ...published, number: 4, parent: 3, live: false }, source),
  at(
    4,
    {
      type: "release-started",
      release,
      dataset: "prices",
      salt: "s",
      plan,
      thousandths: 1_000,
      acceptQuarantined: false,
    },
    source,
  ),
  at(
    5,
    { type: "percentage-set", release, thousandths: 5_000, reason: "the plan's next step", evidence: null },
    { kind: "plan", name: release },
  ),
  at(6, { type: "release-held", release, cause: { reason: "waiting for finance", evidence: null } }),
  at(7, { type: "release-resumed", release, reason: "no reason given" }),
  at(
    8,
    {
      type: "alert-received",
      name: "HighErrorRate",
      status: "firing",
      labels: {},
      action: "hold",
      release,
      truncated: 3,
    },
    { kind: "alert", name: "HighErrorRate" },
  ),
  at(9, { type: "release-promoted", release, reason: "promoted by hand", evidence: null }),
  at(10, { type: "release-completed", release }, { kind: "plan", name: release }),
  at(11, { type: "release-superseded", release: "odd", reason: "superseded by v5" }),
  at(12, { type: "release-reverted", release, cause: { reason: "the candidate fails more often", evidence } }, guard),
  at(
    13,
    {
      type: "publish-refused",
      dataset: "prices",
      number: 5,
      code: "CHECK_REFUSED",
      message: "41 % of keys are gone",
      findings: [],
      origin: null,
    },
    source,
  ),
  at(14, { type: "quarantine-lifted", dataset: "prices", publish: 4, keys: ["a", "b"], reason: "right after all" }),
  at(15, { type: "source-removed", dataset: "prices", source: "main" }),
  at(16, { type: "guard-off", release, forMs: 600_000, reason: "the payment provider is down" }),
  at(17, { type: "guard-on", release, reason: "its time is over" }, { kind: "plan", name: release }),
  at(18, {
    type: "version-restored",
    dataset: "prices",
    number: 6_054,
    restored: 41,
    mode: "exact",
    content,
    origin,
    difference,
    changes: null,
    dropped: { changes: 6_012, keys: 3_118 },
    takenBack: [],
    cause: { reason: "the currency is wrong", evidence: null },
  }),
];

const ndjson = (events: readonly unknown[]): Response =>
  new Response(events.map((event) => `${JSON.stringify(event)}\n`).join(""));

test("every kind of event reads as when, who, on what, what and why", async () => {
  const { code, stdout } = await createTestProgram(() => ndjson(story)).run("log");
  expect(code).toBe(0);
  expect(`\n${stdout}`).toMatchInlineSnapshot(`
    "
    2026-11-11 00:10:00  li.wei              prices        created, policy canary, 0 checks
    2026-11-11 00:10:01  li.wei              prices        source main added: http://merch/prices every 30 s, releases what is new
    2026-11-11 00:10:02  source main         prices        v3 published, live: 9,998 items
    2026-11-11 00:10:03  source main         prices        v4 published: 412 changed, 3 added, 1 removed
    2026-11-11 00:10:04  source main         prices        v4 started at 1 %
    2026-11-11 00:10:05  the plan            prices        v4 to 5 %: the plan's next step
    2026-11-11 00:10:06  li.wei              prices        v4 held: waiting for finance
    2026-11-11 00:10:07  li.wei              prices        v4 resumed: no reason given
    2026-11-11 00:10:08  alert HighErrorRate  prices        alert HighErrorRate firing: hold v4; its sender left out 3 more
    2026-11-11 00:10:09  li.wei              prices        v4 to everybody: promoted by hand
    2026-11-11 00:10:10  the plan            prices        v4 is stable: the bake is over
    2026-11-11 00:10:11  li.wei                            release odd ended: superseded by v5
    2026-11-11 00:10:12  guard comparative   prices        v4 REVERTED: the candidate fails more often (failed: candidate 31 of 402, 7.71 %, control 9 of 7,812, 0.115 %)
    2026-11-11 00:10:13  source main         prices        v5 refused, CHECK_REFUSED: 41 % of keys are gone
    2026-11-11 00:10:14  li.wei              prices        v4 lifted out of quarantine for 2 keys: right after all
    2026-11-11 00:10:15  li.wei              prices        source main removed
    2026-11-11 00:10:16  li.wei              prices        v4 GUARD OFF for 10 min: the payment provider is down
    2026-11-11 00:10:17  the plan            prices        v4 guard on: its time is over
    2026-11-11 00:10:18  li.wei              prices        RESTORED v41 as it was, now v6054, 6,012 changes to 3,118 keys dropped: the currency is wrong
    "
  `);
});

test("--json is one document with the events as they came", async () => {
  const program = createTestProgram(() => ndjson(story));
  expect(JSON.parse((await program.run("log", "--json")).stdout)).toEqual({ events: story });
});

test("the newest are shown, of one dataset where one is named", async () => {
  const program = createTestProgram(() => ndjson(story.slice(0, 1)));
  await program.run("log");
  expect((await program.run("log", "--dataset", "prices", "--limit", "200")).code).toBe(0);
  expect(program.requests.map(({ query }) => query)).toEqual([{ limit: "50" }, { dataset: "prices", limit: "200" }]);
  expect((await program.run("log", "--limit", "0")).code).toBe(2);
});

test("--patches shows what patches did in each minute between the events, in the order of the log", async () => {
  const minute = {
    dataset: "prices",
    patches: 6_012,
    keysSet: 60_120,
    keysRemoved: 0,
    firstSequence: 3,
    lastSequence: 6_014,
    firstNumber: 5,
    lastNumber: 6_016,
    firstAt: nowMs,
    lastAt: nowMs + 59_000,
  };
  const later = { ...minute, patches: 1, keysSet: 1, keysRemoved: 2, firstSequence: 9_000, lastNumber: 5 };
  const events = [
    story[0],
    { ...at(1, { type: "release-promoted", release, reason: "on", evidence: null }), sequence: 7_000 },
  ];
  const program = createTestProgram(({ query }) => ndjson("shelf" in query ? [minute, later] : events));
  const { code, stdout } = await program.run("log", "--patches", "--limit", "3");
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/ prices +v5 to v6016: 6,012 patches, 60,120 keys set$/);
  expect(lines[2]).toMatch(/ prices +v5: 1 patch, 1 key set, 2 removed$/);
  const json = await program.run("log", "--patches", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({ lines: [events[0], minute, { sequence: 7_000 }, later] });
  expect((await program.run("log", "--patches", "--follow")).code).toBe(2);
});

test("--follow shows what is there, then what happens, each once, until Ctrl-C", async () => {
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  const send = (sequence: number): void =>
    stream?.enqueue(
      new TextEncoder().encode(`event: status\ndata: ${JSON.stringify({ ...statusOf(), sequence })}\n\n`),
    );
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(new Request(input).url);
    if (url.pathname === "/v1/log") {
      asked.push(url.search);
      const after = url.searchParams.get("from");
      if (after === null) return ndjson(story.slice(0, 2));
      const rest = story.filter(({ sequence }) => sequence > Number(after)).slice(0, 2);
      // Whoever follows has seen all of them now.
      if (rest.length === 0) program.interrupt();
      return ndjson(rest);
    }
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        stream = controller;
      },
    });
    init?.signal?.addEventListener("abort", () => stream?.error(new Error("aborted")));
    // Two patches: the position moved and nothing is in the log; then the rest of the story.
    send(4);
    return new Response(body);
  };
  const program = createTestProgram(() => ({}), { fetch });
  const { code, stdout } = await program.run("log", "--follow", "--json");
  expect(code).toBe(0);
  expect(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(story);
  expect(asked[0]).toBe("?limit=50");
  expect(asked.at(-1)).toBe(`?from=${story.length}`);
});

test("foreign text in the log cannot speak to the terminal", async () => {
  const reason = "because \u001b[2J\n2026-11-11 00:00:00  root";
  const events = [
    at(0, { type: "release-completed", release: "\u001b]0;x\u0007" }),
    at(1, { type: "release-promoted", release, reason, evidence: null }),
  ];
  const { stdout } = await createTestProgram(() => ndjson(events)).run("log");
  expect(stdout).not.toMatch(obeyed);
  expect(stdout.trimEnd().split("\n")).toHaveLength(2);
});

test("the log of a dataset that nobody knows is no empty log", async () => {
  const program = createTestProgram(({ path }) => (path === "/v1/log" ? ndjson([]) : statusOf(datasets.idle)));
  const { code, stderr } = await program.run("log", "--dataset", "price");
  expect(code).toBe(1);
  expect(stderr).toContain("there is no dataset price");
  expect(await program.run("log", "--dataset", "prices")).toEqual({
    code: 0,
    stdout: "",
    stderr: "nothing happened yet\n",
  });
});
