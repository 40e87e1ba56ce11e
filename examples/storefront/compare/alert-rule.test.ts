import { expect, test } from "vitest";
import { createAlertRule } from "./alert-rule.ts";

const options = { errorRateLimit: 0.01, windowMs: 60_000, forMs: 60_000 };

test("an error rate over the limit fires once it has lasted, not before", () => {
  const rule = createAlertRule(options);
  for (let second = 0; second <= 120; second += 5) {
    rule.count("w1", { requests: second * 100, errors: second * 2 }, second * 1_000);
  }
  expect(rule.evaluate(30_000)).toEqual({ errorRate: 0.02, state: "pending" });
  expect(rule.evaluate(75_000).state).toBe("pending");
  expect(rule.evaluate(90_000).state).toBe("firing");
});

test("a minute that was good again begins the wait anew", () => {
  const rule = createAlertRule(options);
  rule.count("w1", { requests: 0, errors: 0 }, 1_000);
  rule.count("w1", { requests: 100, errors: 50 }, 10_000);
  expect(rule.evaluate(15_000).state).toBe("pending");
  rule.count("w1", { requests: 100, errors: 50 }, 80_000);
  rule.count("w1", { requests: 9_000, errors: 50 }, 100_000);
  expect(rule.evaluate(105_000)).toEqual({ errorRate: 0, state: "inactive" });
  rule.count("w1", { requests: 10_000, errors: 950 }, 110_000);
  expect(rule.evaluate(120_000).state).toBe("pending");
});

test("the processes are added up, and without requests there is no rate", () => {
  const rule = createAlertRule(options);
  expect(rule.evaluate(0)).toEqual({ errorRate: null, state: "inactive" });
  for (const [worker, errors] of [
    ["w1", 0],
    ["w2", 30],
  ] as const) {
    rule.count(worker, { requests: 0, errors: 0 }, 1_000);
    rule.count(worker, { requests: 100, errors }, 2_000);
  }
  expect(rule.evaluate(3_000).errorRate).toBe(0.15);
});
