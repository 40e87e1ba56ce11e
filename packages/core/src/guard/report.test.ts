import fc from "fast-check";
import { expect, test } from "vitest";
import { isSluiceError } from "../error.ts";
import { assertOutcomeReport, type ArmReport, type OutcomeReport } from "./report.ts";

const arm: ArmReport = { ok: 7, failures: { error: { count: 3, distinct: 2 } }, units: [] };
const good: OutcomeReport = {
  epoch: 1,
  candidate: { ...arm, units: [0, 4999] },
  control: { ...arm, units: [5000, 99_999] },
};

function refusalPath(report: OutcomeReport, thousandths = 5000): unknown {
  try {
    assertOutcomeReport(report, thousandths);
    return undefined;
  } catch (error) {
    if (!isSluiceError(error, "VALIDATION")) throw error;
    return error.details["path"];
  }
}

test("a report with true counts and units of its arms passes", () => {
  expect(refusalPath(good)).toBeUndefined();
  expect(refusalPath({ ...good, control: { ok: 0, failures: {}, units: [] } })).toBeUndefined();
});

test("counts that are negative, fractional, not numbers or past exactness are refused", () => {
  const bad = fc.oneof(
    fc.integer({ max: -1 }),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, 0.5, 2 ** 53),
    fc.double({ min: 0.001, max: 0.999, noNaN: true }),
  );
  fc.assert(
    fc.property(bad, (value) => {
      expect(refusalPath({ ...good, control: { ...arm, ok: value } })).toBe("control.ok");
      const count = { ...arm, failures: { slow: { count: value, distinct: 0 } } };
      expect(refusalPath({ ...good, candidate: count })).toBe("candidate.failures.slow.count");
      const distinct = { ...arm, failures: { slow: { count: 1, distinct: value } } };
      expect(refusalPath({ ...good, candidate: distinct })).toBe("candidate.failures.slow.distinct");
    }),
  );
});

test("more distinct failures than failures are refused", () => {
  const candidate = { ...arm, failures: { error: { count: 2, distinct: 3 } } };
  expect(refusalPath({ ...good, candidate })).toBe("candidate.failures.error.distinct");
});

test.each(["units", "slowUnits"] as const)("%s that are none, too many, or of the other arm are refused", (units) => {
  for (const unit of [-1, 0.5, Number.NaN, 5000, 100_000]) {
    expect(refusalPath({ ...good, candidate: { ...arm, [units]: [unit] } })).toBe(`candidate.${units}`);
  }
  for (const unit of [0, 4999, 100_000]) {
    expect(refusalPath({ ...good, control: { ...arm, [units]: [unit] } })).toBe(`control.${units}`);
  }
  const many = Array.from({ length: 257 }, (_, index) => index);
  expect(refusalPath({ ...good, candidate: { ...arm, [units]: many } })).toBe(`candidate.${units}`);
  expect(refusalPath({ ...good, candidate: { ...arm, [units]: many.slice(1) } })).toBeUndefined();
});

test("a stratum longer than 64 characters is refused", () => {
  expect(refusalPath({ ...good, stratum: "x".repeat(64) })).toBeUndefined();
  expect(refusalPath({ ...good, stratum: "x".repeat(65) })).toBe("stratum");
});
