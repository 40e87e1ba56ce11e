import { limits } from "@sluice/core";
import { outcomeBatchSchema, type ReleaseReport } from "@sluice/core/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createOutcomeTally } from "./outcome-tally.ts";

type ArmReport = ReleaseReport["candidate"];

const most = limits.countMax;
const nothing: ArmReport = { ok: 0, failures: {}, units: [] };
const report = (candidate: ArmReport, change: Partial<ReleaseReport> = {}): ReleaseReport => ({
  release: "r1",
  epoch: 1,
  candidate,
  control: nothing,
  served: { candidate: 0, stable: 0 },
  ...change,
});
const honest = report(
  { ok: 10, failures: { http: { count: 2, distinct: 1 } }, units: [7] },
  { served: { candidate: 12, stable: 3 } },
);

/** What a sidecar sends on of these, as whoever it is sent to reads it. */
function sentOn(...reports: readonly ReleaseReport[]): readonly ReleaseReport[] {
  const tally = createOutcomeTally();
  for (const each of reports) tally.merge(each);
  return outcomeBatchSchema.parse({ reporter: "a", sequence: 1, reports: tally.take(1_000) }).reports;
}

test.each([
  ["successes", report({ ...nothing, ok: most - 5 })],
  ["failures", report({ ...nothing, failures: { http: { count: most, distinct: 1 } }, units: [9] })],
  ["views", report(nothing, { served: { candidate: 0, stable: most - 1 } })],
])("a reporter of nearly as many %s as a count can say costs those who report beside it nothing", (_, liar) => {
  for (const order of [
    [liar, honest, liar, honest],
    [honest, liar, honest, liar],
  ]) {
    const sent = sentOn(...order);
    // Whoever is merged with it is told whole.
    expect(sent.reduce((sum, { candidate }) => sum + candidate.ok, 0)).toBe(2 * (10 + liar.candidate.ok));
    const failures = sent.map(({ candidate }) => candidate.failures["http"]?.count ?? 0);
    const lies = liar.candidate.failures["http"]?.count ?? 0;
    expect(failures.reduce((sum, count) => sum + count, 0)).toBe(2 * (2 + lies));
    expect(sent.reduce((sum, { served }) => sum + served.stable, 0)).toBe(2 * (3 + liar.served.stable));
  }
});

test("kinds that become one are as many as a count can say at most", () => {
  const failures = Object.fromEntries(
    Array.from({ length: 200 }, (_, kind) => [`k${kind}`, { count: most, distinct: most }]),
  );
  const [liar, beside] = sentOn(report({ ...nothing, failures }), honest);
  expect(liar?.candidate.failures["other"]).toEqual({ count: most, distinct: most });
  expect(beside).toEqual(honest);
});

test("whatever is merged can be read by who it is sent to, and nothing of it is lost", () => {
  const count = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: most - 100, max: most }));
  const arm = fc.record({
    ok: count,
    failures: fc.dictionary(
      fc.constantFrom("http", "slow", "below-cost"),
      count.map((its) => ({ count: its, distinct: its })),
    ),
    units: fc.constant([]),
  });
  const any = fc.record({
    release: fc.constant("r1"),
    epoch: fc.integer({ min: 1, max: 2 }),
    candidate: arm,
    control: arm,
    served: fc.record({ candidate: count, stable: count }),
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 30 }), (reports) => {
      expect(totals(sentOn(...reports))).toEqual(totals(reports));
    }),
  );
});

function counted({ ok, failures }: ArmReport): number {
  return ok + Object.values(failures).reduce((sum, { count, distinct }) => sum + count + distinct, 0);
}

function totals(reports: readonly ReleaseReport[]): readonly number[] {
  const sum = (of: (report: ReleaseReport) => number): number => reports.reduce((sum, each) => sum + of(each), 0);
  return [
    sum(({ candidate }) => counted(candidate)),
    sum(({ control }) => counted(control)),
    sum(({ served }) => served.candidate),
    sum(({ served }) => served.stable),
  ];
}
