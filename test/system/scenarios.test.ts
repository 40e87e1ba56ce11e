import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { freePort } from "../support/instances.ts";
import { hasMonitoring } from "../support/monitoring.ts";

const root = join(import.meta.dirname, "../..");

/** A scenario lasts as long as what happens in it: up to a minute on a quiet machine. */
const timeoutMs = 150_000;

/** What `--once` says as its last line. */
interface Result {
  readonly ok: boolean;
  readonly scenario: string;
  readonly steps: Readonly<Record<string, boolean>>;
  readonly failures: readonly string[];
}

async function play(scenario: string, ...more: readonly string[]): Promise<{ code: number | null; result: Result }> {
  const ports = ["--port", String(await freePort()), "--shop-port", String(await freePort())];
  const file = join(root, "examples/storefront/start.ts");
  const args = [file, "--once", "--scenario", scenario, ...ports, ...more];
  const child = spawn(process.execPath, ["--conditions=sluice-source", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  await once(child, "close");
  try {
    return { code: child.exitCode, result: JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Result };
  } catch (error) {
    throw new Error(`${scenario} ended without a result:\n${stdout}`, { cause: error });
  }
}

function skipWithoutPrograms(scenario: string, { skip }: Pick<TestContext, "skip">): void {
  skip(scenario === "alertmanager" && !hasMonitoring(), "Prometheus and Alertmanager are not installed");
}

const takenBack = ["everybodyOnFirst", "candidateHurts", "takenBack", "harmOver"];

/** A fact, the scenario that shows it, and its parts, each of which the shoppers' answers, the log and the shop's processes confirm. */
const happen: readonly (readonly [string, string, readonly string[]])[] = [
  ["a candidate that makes pages slow and fails none is taken back for being slow", "slow-candidate", takenBack],
  [
    "a good release goes on through an outage that both arms share",
    "shared-outage",
    ["everybodyOnFirst", "bothFailed", "notTakenBack", "promoted", "nobodyHurtAfter"],
  ],
  ["a real Alertmanager takes back what the guard cannot see", "alertmanager", takenBack],
  [
    "prices of 0.01 that fail no request are taken back by the kind that the shop reports",
    "business-failure",
    takenBack,
  ],
  [
    "a sidecar that has lost its origin takes a bad version back by itself, and the origin learns of it",
    "origin-dead",
    ["everybodyOnFirst", "cutOff", "takenBackAlone", "reconciled", "harmOver"],
  ],
  [
    "a plan walks a good version to everybody by proof alone, and holds the next one, which is worse",
    "plan-walks",
    ["everybodyOnFirst", "walkedToEverybody", "shakyHeld", "takenBackByHand", "everyStepProven"],
  ],
  [
    "a sale that everybody sees goes on though the origin is gone",
    "midnight-sale",
    ["everybodyOnFirst", "saleBegins", "saleGoesOn", "baked"],
  ],
];

test.for(happen)("%s", { timeout: timeoutMs }, async ([_fact, scenario, steps], context) => {
  skipWithoutPrograms(scenario, context);
  const { code, result } = await play(scenario);
  const whole = Object.fromEntries(steps.map((step) => [step, true]));
  expect({ code, ok: result.ok, failures: result.failures, steps: result.steps }).toEqual({
    code: 0,
    ok: true,
    failures: [],
    steps: whole,
  });
});

/** A fact, the scenario that shows it without what guards it, the part up to which it goes well, the one that fails, and why. */
const fail: readonly (readonly [string, string, string, string, RegExp])[] = [
  [
    "a plain limit on the error rate takes a good release back in that outage",
    "shared-outage",
    "bothFailed",
    "notTakenBack",
    /a good release was taken back in an outage that was not its doing/,
  ],
  [
    "where no rule of the plan is about the alert it fires, and the harm goes on",
    "alertmanager",
    "candidateHurts",
    "takenBack",
    /the harm goes on/,
  ],
  [
    "where the shop does not report them, everybody goes on to buy at 0.01",
    "business-failure",
    "candidateHurts",
    "takenBack",
    /the harm goes on/,
  ],
  [
    "at 100 % and without a guard a dead origin takes nothing back",
    "origin-dead",
    "cutOff",
    "takenBackAlone",
    /the harm goes on/,
  ],
];

test.for(fail)("%s", { timeout: timeoutMs }, async ([_fact, scenario, before, failed, why], context) => {
  skipWithoutPrograms(scenario, context);
  const { code, result } = await play(scenario, "--no-guard");
  expect([code, result.ok]).toEqual([1, false]);
  expect(result.steps).toMatchObject({ [before]: true, [failed]: false });
  expect(result.failures.join("\n")).toMatch(why);
});
