import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultGuardConfig, type GuardConfig } from "./config.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import type { ArmReport } from "./report.ts";
import { restoreGuard, serializeGuard, type StoredGuard } from "./stored.ts";
import type { GuardState } from "./state.ts";
import type { GuardVerdict } from "./verdict.ts";

const config: GuardConfig = { ...defaultGuardConfig, slowMs: 500, toleratedExtraRate: 0.0005 };

const wall = 1_700_000_000_000;

type Action =
  | { type: "report"; stepsAgo: number; stratum: string | undefined; requests: [number, number]; failures: number[] }
  | { type: "step"; thousandths: number }
  | { type: "pass"; ms: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("report" as const),
      stepsAgo: fc.nat(2),
      stratum: fc.constantFrom(undefined, "north"),
      requests: fc.tuple(fc.nat(50), fc.nat(300)),
      failures: fc.array(fc.nat(6), { minLength: 4, maxLength: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 900 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("step" as const), thousandths: fc.integer({ min: 0, max: 100_000 }) }),
  },
);

function arm(ok: number, errors: number, slow: number, unitMin: number, unitEnd: number): ArmReport {
  const units = Array.from({ length: errors }, (_, index) => unitMin + index * 3).filter((unit) => unit < unitEnd);
  const failures = { error: { count: errors, distinct: errors }, slow: { count: slow, distinct: slow } };
  return { ok, failures, units, ...(slow % 2 === 0 ? {} : { slowUnits: [unitMin].filter((unit) => unit < unitEnd) }) };
}

/** Plays actions on a guard from a time on, and gives every verdict on the way. */
function play(
  guard: GuardState,
  actions: readonly Action[],
  fromMs: number,
): { verdicts: GuardVerdict[]; nowMs: number } {
  let nowMs = fromMs;
  const verdicts = actions.map((one) => {
    if (one.type === "pass") nowMs += one.ms;
    if (one.type === "step") {
      stepGuard(guard, { epoch: (guard.epochs.at(-1)?.epoch ?? 0) + 1, thousandths: one.thousandths });
    }
    if (one.type === "report") {
      const step = guard.epochs.at(-1 - one.stepsAgo) ?? guard.epochs[0];
      if (step === undefined) throw new Error("a guard has a step");
      const [candidateErrors = 0, candidateSlow = 0, controlErrors = 0, controlSlow = 0] = one.failures;
      ingest(guard, {
        epoch: step.epoch,
        ...(one.stratum === undefined ? {} : { stratum: one.stratum }),
        candidate: arm(one.requests[0], candidateErrors, candidateSlow, 0, step.thousandths),
        control: arm(one.requests[1], controlErrors, controlSlow, step.thousandths, 100_000),
      });
    }
    return tickGuard(guard, nowMs, wall + nowMs);
  });
  return { verdicts, nowMs };
}

function reload(guard: GuardState): GuardState {
  return restoreGuard(JSON.parse(JSON.stringify(serializeGuard(guard))) as StoredGuard);
}

test("a guard that is stored and restored at any moment goes on with the same verdicts", () => {
  const history = fc.tuple(fc.array(action, { maxLength: 40 }), fc.array(action, { minLength: 1, maxLength: 40 }));
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 100_000 }), ([before, after], thousandths) => {
      const guard = createGuard(config, { epoch: 1, thousandths });
      const { nowMs } = play(guard, before, 5000);
      const restored = reload(guard);
      expect(restored).toEqual(guard);
      expect(play(restored, after, nowMs).verdicts).toEqual(play(guard, after, nowMs).verdicts);
      expect(restored).toEqual(guard);
    }),
    { numRuns: 300 },
  );
});

test("what was stored does not change with the guard", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 1000 });
  const stored = serializeGuard(guard);
  const copy = structuredClone(stored);
  const report = { epoch: 1, candidate: arm(5, 5, 0, 0, 1000), control: arm(90, 0, 2, 1000, 100_000) };
  ingest(guard, report);
  tickGuard(guard, 250);
  expect(stored).toEqual(copy);
  ingest(restoreGuard(stored), report);
  expect(stored).toEqual(copy);
});

test("a stored guard that does not fit its configuration is refused", () => {
  const stored = serializeGuard(createGuard(config, { epoch: 1, thousandths: 1000 }));
  const corrupt = expect.objectContaining({ code: "CORRUPT" });
  const spoilt: StoredGuard[] = [
    { ...stored, format: 1 as 2 },
    { ...stored, epochs: [] },
    { ...stored, requestStreams: stored.requestStreams.slice(1) },
    { ...stored, absolutes: [] },
    { ...stored, unitStream: { ...stored.unitStream, logStakes: [] } },
    { ...stored, unitStream: { ...stored.unitStream, logCash: Number.NaN } },
    { ...stored, config: { ...config, slowMs: null } },
    { ...stored, promotion: [] },
    { ...stored, promotion: stored.promotion.toReversed() },
    { ...stored, promotion: stored.promotion.map((test) => ({ ...test, logScores: [] })) },
    { ...stored, promotion: stored.promotion.map((test) => ({ ...test, logScores: [[1], [1]] })) },
    { ...stored, trail: { ...stored.trail, above: [] } },
  ];
  for (const one of spoilt) expect(() => restoreGuard(one)).toThrow(corrupt);
  expect(() => restoreGuard({ ...stored, config: { ...config, alpha: 2 } })).toThrow(
    expect.objectContaining({ code: "VALIDATION" }),
  );
});
