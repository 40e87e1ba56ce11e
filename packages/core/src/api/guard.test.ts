import { expect, test } from "vitest";
import { defaultGuardConfig } from "../guard/config.ts";
import { createGuard, ingest, tickGuard } from "../guard/guard.ts";
import { historyOf } from "../guard/history.ts";
import type { ArmReport } from "../guard/report.ts";
import { evidenceAnswerSchema } from "./evidence.ts";
import { guardConfigSchema, partialGuardConfigSchema } from "./guard.ts";

function problems(given: unknown): string {
  return (
    partialGuardConfigSchema
      .safeParse(given)
      .error?.issues.map(({ message }) => message)
      .join("; ") ?? ""
  );
}

function arm(ok: number, error: number, units: readonly number[]): ArmReport {
  return { ok, failures: { error: { count: error, distinct: error }, slow: { count: 1, distinct: 1 } }, units };
}

test("what a guard's configuration leaves out is the default's, at every depth", () => {
  expect(partialGuardConfigSchema.parse(undefined)).toEqual(defaultGuardConfig);
  expect(partialGuardConfigSchema.parse({})).toEqual(defaultGuardConfig);
  expect(partialGuardConfigSchema.parse({ slowMs: 300, promotion: { beta: 0.05 } })).toEqual({
    ...defaultGuardConfig,
    slowMs: 300,
    promotion: { ...defaultGuardConfig.promotion, beta: 0.05 },
  });
});

test("values out of their range, and fields that nobody knows, are refused with their names", () => {
  expect(problems({ slowMs: 0, promotion: { beta: 0.9 } })).toMatch(/slowMs.*promotion\.beta|promotion\.beta.*slowMs/);
  expect(problems({ kinds: ["slow"] })).toContain("slowMs");
  expect(problems({ promotion: { gamma: 1 } })).toContain("gamma");
  expect(problems({ counting: "read" })).not.toBe("");
});

test("a configuration crosses the wire as it is", () => {
  expect(guardConfigSchema.parse(JSON.parse(JSON.stringify(defaultGuardConfig)))).toEqual(defaultGuardConfig);
});

test("what a guard gives as evidence and history crosses the wire as it is", () => {
  const guard = createGuard(
    { ...defaultGuardConfig, kinds: ["below-cost"], slowMs: 100 },
    { epoch: 1, thousandths: 5_000 },
  );
  for (let slot = 0; slot < 4; slot++) {
    tickGuard(guard, slot * 250, 1_700_000_000_000 + slot * 250);
    ingest(guard, { epoch: 1, candidate: arm(40, slot, [slot]), control: arm(900, 1, [50_000 + slot]) });
  }
  const { evidence } = tickGuard(guard, 1_000, 1_700_000_001_000);
  const answer = { release: "r1", evidence, history: historyOf(guard) };
  expect(evidence.crossings.length).toBeGreaterThan(0);
  expect(evidenceAnswerSchema.parse(JSON.parse(JSON.stringify(answer)))).toEqual(answer);
});
