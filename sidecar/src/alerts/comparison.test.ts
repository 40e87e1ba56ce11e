import { defaultPlan, type Plan } from "@sluice/core";
import { expect, test } from "vitest";
import { createTestOrigin } from "../origin.testing.ts";
import type { Alert } from "./alert.ts";
import { changed, items, prices, running, send } from "./alerts.testing.ts";
import { type Compared, type Comparer, createComparer, messageStepsMax } from "./comparison.ts";
import { comparedLengthMax, createRules } from "./rules.ts";

/** As much work as an expression may be. */
const large = { matchers: ['x=~"(.*a){99}"'], action: "revert" } as const;
const long = "a".repeat(comparedLengthMax);

function firing(x: string): Alert {
  return {
    name: "Errors",
    status: "firing",
    labels: { x },
    fingerprint: "1",
    startsAt: null,
    reason: null,
    direct: null,
  };
}

function release(dataset: string, rule: Plan["alerts"][number]): Compared {
  return { id: `${dataset}-v2`, dataset, plan: { ...defaultPlan, alerts: [rule] } };
}

const prices2 = release("prices", large);
const stock2 = release("stock", { matchers: ["x=b"], action: "hold" });

function comparer(active: () => readonly Compared[], yieldNow: () => Promise<void>): Comparer {
  const rules = createRules();
  return createComparer({ active, rulesOf: ({ dataset, plan }) => rules(dataset, plan.alerts), yieldNow });
}

test("others have their turn between alerts, and a release that begins meanwhile is compared too", async () => {
  let turns = 0;
  const active = (): readonly Compared[] => (turns === 0 ? [prices2] : [prices2, stock2]);
  const alerts = [...Array.from({ length: 20 }, () => firing(`${long.slice(1)}b`)), firing("b")];
  const kinds = await comparer(active, () => Promise.resolve(void turns++)).compare(alerts, (verdictOf) =>
    [prices2, stock2].map((each) => alerts.map((alert) => verdictOf(alert, each).kind)),
  );
  expect(turns).toBeGreaterThanOrEqual(19);
  expect(kinds).toEqual([alerts.map(() => "miss"), alerts.map((_alert, index) => (index === 20 ? "match" : "miss"))]);
});

test("with a release that was reverted meanwhile nothing more is compared", async () => {
  let turns = 0;
  const active = (): readonly Compared[] => (turns === 0 ? [prices2] : []);
  const alerts = Array.from({ length: 20 }, () => firing(long));
  const compared = comparer(active, () => Promise.resolve(void turns++)).compare(alerts, () => "compared");
  expect([await compared, turns]).toEqual(["compared", 1]);
});

test("small alerts do not wait for anybody", async () => {
  const small = comparer(
    () => [prices2, stock2],
    () => Promise.reject(new Error("nobody waits")),
  );
  const alert = firing("b");
  expect(await small.compare([alert], (verdictOf) => verdictOf(alert, stock2).kind)).toBe("match");
});

test("what a message has too much of is not compared, is said, and is no repetition when it is sent alone", async () => {
  const origin = await running({ plan: { alerts: [large] } });
  const one = { alertname: "Errors", x: long };
  const [rule] = createRules()("prices", prices2.plan.alerts);
  const steps = rule?.stepsMax({ x: long }) ?? 0;
  const many = Array.from({ length: Math.ceil(messageStepsMax / steps) }, (_, index) => ({
    alertname: "Noise",
    x: "b".repeat(comparedLengthMax),
    pod: `${index}`,
  }));
  const answer = await send(origin, [...many, one, { alertname: "Small", x: "c" }]);
  expect(
    answer.alerts
      .slice(0, 10)
      .flatMap(({ reasons }) => reasons)
      .join(),
  ).not.toContain("not compared");
  expect(answer.alerts.at(-2)).toMatchObject({ effects: [], reasons: [expect.stringContaining("not compared")] });
  expect(answer.alerts.at(-1)?.reasons.join()).toContain("no rule of its plan matches");
  expect((await prices(origin)).release).not.toBeNull();
  await send(origin, [one]);
  expect((await prices(origin)).release).toBeNull();
});

test("a label that is too long for an expression is said to be", async () => {
  const origin = await createTestOrigin({ items, plan: { alerts: [large] } });
  await origin.publish("prices", changed, "?release=true");
  const answer = await send(origin, [{ alertname: "Errors", x: "a".repeat(2_000) }]);
  expect(answer.alerts[0]?.reasons.join()).toContain("which is too long for it: 2000 characters");
});
