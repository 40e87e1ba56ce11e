import { defaultPlan, type EvidencePoint, type LoggedEvent } from "@sluice/core";
import type { EvidenceAnswer, StatusAnswer } from "@sluice/core/api";
import { expect, test } from "vitest";
import { createTestProgram, problem, type TestOptions, type TestProgram } from "../fake-instance.testing.ts";
import { datasets, nowMs, statusOf, suspicious } from "../statuses.testing.ts";
import { widthOf } from "../text.ts";

const release = "prices-v4-x7k2mq";
const minute = 60_000;
const person = { kind: "person", name: "li.wei" } as const;

/** A release that was started twelve minutes ago, went to 5 %, and looks worse for a minute. */
const history: readonly EvidencePoint[] = Array.from({ length: 48 }, (_, index) => {
  const at = nowMs - 12 * minute + index * 15_000;
  const worse = Math.max(0, index - 40);
  return {
    at,
    thousandths: index < 40 ? 1_000 : 5_000,
    candidateRequests: index * 42,
    candidateFailures: worse * 4,
    controlRequests: index * 800,
    controlFailures: index,
    logComparative: worse * 0.38 - 0.2,
    logUnits: null,
    logRequests: worse * 0.38 - 0.2,
    logPromotion: index < 40 ? index * 0.03 : 1.2 - worse * 0.6,
  };
});

const answer: EvidenceAnswer = { release, evidence: suspicious, history };

const started: LoggedEvent = {
  sequence: 20,
  at: nowMs - 12 * minute,
  by: person,
  event: {
    type: "release-started",
    release,
    dataset: "prices",
    plan: defaultPlan,
    salt: "salt",
    thousandths: 1_000,
    acceptQuarantined: false,
  },
};
const plan = { kind: "plan", name: release } as const;
const stepped: LoggedEvent = {
  sequence: 24,
  at: nowMs - 2 * minute,
  by: plan,
  event: {
    type: "percentage-set",
    release,
    thousandths: 5_000,
    reason: "the plan's next step: the promotion test is open",
    evidence: null,
  },
};
const reverted: LoggedEvent = {
  sequence: 30,
  at: nowMs - 5_000,
  by: { kind: "guard", name: "comparative" },
  event: {
    type: "release-reverted",
    release,
    cause: { reason: "the candidate failed 31 of 2,034, the control 57 of 38,412", evidence: suspicious },
  },
};

function over(
  status: StatusAnswer,
  events: readonly LoggedEvent[],
  evidence: EvidenceAnswer | null,
  options: TestOptions = {},
): TestProgram {
  return createTestProgram(({ path }) => {
    if (path === "/v1/status") return status;
    if (path === "/v1/log") return new Response(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    return evidence ?? problem("RELEASE_UNKNOWN", "there is no evidence");
  }, options);
}

const running = statusOf({
  ...datasets.waiting,
  release: datasets.waiting.release === null ? null : { ...datasets.waiting.release, evidence: suspicious },
});

test("show draws the plan, the course and the evidence of what runs", async () => {
  const { code, stdout, stderr } = await over(running, [started, stepped], answer).run("release", "show", "prices");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(`\n${stdout}`).toMatchInlineSnapshot(`
    "
    prices  canary  v3 -> v4  running                                        healthy
      out      v4 over v3: 412 changed, 6 added, 1 removed
      to       5 % of users (really served 4.97 %), the rest v3
      since    00:08:00 (2 min ago) by the plan, started 12 min ago by li.wei
      health   ok: v4 failed 3 of 2,034 (0.147 %), v3 57 of 38,412 (0.148 %)
      next     25 % at 00:18:00 (in 8 min): the promotion test does not open like
               this; waits until 01:18:00, then holds
      revert   sluice revert prices

      release  prices-v4-x7k2mq
      step     5 %, running, epoch 2
      started  2026-11-10 23:58:00 (12 min ago) by li.wei
      ready    412 of 412 hold every byte of it
      plan     1 % 10 min > [5 % 10 min] > 25 % 10 min > 50 % 10 min > everybody,
               bake 30 min
      test     each step waits up to 1 h more for the promotion test, then holds
      alerts   those with the label sluice_dataset="prices" revert

    course
      23:58:00 started at 1 % (li.wei)
      00:08:00 to 5 %: the plan's next step: the promotion test is open (the plan)

    evidence
      counted            candidate         control
      requests               2,034          38,412
      failures         31 (1.52 %)    57 (0.148 %)
        below-cost   31 (30 users)   57 (50 users)   evidence 16.3

      against  14.2: suspicious (holds at 10, reverts at 166.7), since 00:09:00
               the mean of first failures of users 12.1 and repeated failures 16.3

                   │
      revert 166.7 ┤┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
                   │
                   │                                                               ⢀
           hold 10 ┤┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄⣀⣰⠚
                   │                                                          ⢠⠼⠉⠁
                 1 ┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣰⠒⠋⠉┄┄┄┄┄
                   └┬─────────────────────────────────────────────────────┬────────┬
                    23:58:00 1 %                                        00:08:00 5 %

      for      0.04 of 10: the promotion test does not open like this
               the test at 5 % rules out that it fails 3 times as often as the
               control, + 0.5 %

      opens 10 ┤┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
               │                                                         ⢀⣀⡀
               │                    ⣀⣀⣀⣀⣀⣀⣀⣀⣠⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠖⠒⠒⠒⠒⠒⠒⠒⠚⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉ ⠧⢤
             1 ┤⠤⠖⠒⠒⠒⠒⠒⠒⠒⠒⠋⠉⠉⠉⠉⠉⠉⠉⠉⠉⠁┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄⠸⠤⡄┄┄┄┄┄
               │                                                              ⠓⢲
               │                                                               ⠈⠉⣇⣀
               │                                                                  ⠸⢤
               └┬────────────────────────────────────────────────────────┬─────────┬
                23:58:00 1 %                                            00:08:00 5 %

      limit    5 % over 30 s, confirmed: 12 of 310 failed (3.87 %); evidence 1 of
               500
      crossed  00:08:00  repeated failures rose over the hold line
               00:09:00  evidence against it rose over the hold line
               2 reports came too late to count

    changes
      ~ sku-1  price: 1999 -> 1899
      … and 418 more
    "
  `);
});

test("it fits 60, 80 and 120 columns", async () => {
  for (const columns of [60, 80, 120]) {
    const { stdout } = await over(running, [started, stepped], answer, { columns }).run("release", "show", "prices");
    const wide = stdout.split("\n").filter((line) => widthOf(line) > columns && !line.includes("prices-v4-x7k2mq"));
    expect([columns, wide]).toEqual([columns, []]);
  }
});

test("with --json it is data", async () => {
  const { stdout } = await over(running, [started, stepped], answer).run("release", "show", "prices", "--json");
  expect(JSON.parse(stdout)).toEqual({
    dataset: running.datasets[0],
    release,
    events: [started, stepped],
    evidence: answer,
  });
});

test("of a release that was reverted it says what was seen, which rule, and when", async () => {
  const status = statusOf(datasets.reverted);
  const { stdout } = await over(status, [started, stepped, reverted], answer).run("release", "show", "prices");
  expect(stdout).toContain(`release  ${release}, ended 5 s ago by guard comparative\n`);
  expect(stdout).toContain("REVERTED: the candidate failed 31 of 2,034, the control 57 of 38,412");
  expect(stdout).toContain("revert 166.7 ┤");
  // Nothing is still needed of what has ended.
  expect(stdout).toContain("for      0.04 of 10: the promotion test was not open at the end");
});

test("where no history is kept, the evidence that the revert carries is shown without a drawing", async () => {
  const status = statusOf(datasets.reverted);
  const { code, stdout } = await over(status, [started, reverted], null).run("release", "show", "prices");
  expect(code).toBe(0);
  expect(stdout).toContain("failures         31 (1.52 %)    57 (0.148 %)");
  expect(stdout).not.toContain("┤");
});

test("a release is asked for by its id, and one that is none is said to be none", async () => {
  const program = over(running, [started, stepped], null);
  const { code, stderr } = await program.run("release", "show", "prices", "--release", "prices-v9-abc123");
  expect(code).toBe(1);
  expect(stderr).toContain("there is no release prices-v9-abc123 of prices");
  const never = await over(statusOf(datasets.idle), [], null).run("release", "show", "prices");
  expect(never.stderr).toContain("prices was never released step by step");
});

test("at 100 % it says that nothing is compared", async () => {
  const evidence = { ...suspicious, thousandths: 100_000, comparison: "off, no control" } as const;
  const status = statusOf(datasets.baking);
  const { stdout } = await over(status, [started], { ...answer, evidence }).run("release", "show", "prices");
  expect(stdout).toContain("compared off, no control: at 100 % only limits, alerts and queries revert");
});

test("a follower shows what it knows and says where the rest is", async () => {
  const url = "http://10.0.0.1:7070";
  const status: StatusAnswer = {
    ...running,
    role: "follower",
    following: { url, contactAgeMs: 400, connected: true },
  };
  const program = createTestProgram(({ path }) =>
    path === "/v1/status" ? status : problem("NOT_ORIGIN", `this instance follows ${url}`),
  );
  const { code, stdout, stderr } = await program.run("release", "show", "prices");
  expect(code).toBe(0);
  expect(stdout).toContain(`  release  ${release}\n  step     5 %, running, epoch 2\n`);
  expect(stderr).toBe(`the course and the evidence are at the origin: sluice release show prices --url ${url}\n`);
});
