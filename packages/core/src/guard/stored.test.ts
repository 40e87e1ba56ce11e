import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultGuardConfig, type GuardConfig } from "./config.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import type { ArmReport } from "./report.ts";
import { restoreGuard, serializeGuard, type StoredGuard, type StoredStream } from "./stored.ts";
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

test("a guard that has reverted is restored as one, with the evidence of that moment, and goes on in its slot", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 1000 });
  const failing: Action = {
    type: "report",
    stepsAgo: 0,
    stratum: undefined,
    requests: [0, 300],
    failures: [6, 0, 0, 0],
  };
  const actions = Array.from({ length: 10 }, (): Action[] => [failing, { type: "pass", ms: 250 }]).flat();
  const { verdicts, nowMs } = play(guard, actions, 5000);
  expect(verdicts.at(-1)?.action).toBe("revert");
  const restored = reload(guard);
  expect(restored).toEqual(guard);
  const { slot } = guard;
  expect(tickGuard(restored, nowMs)).toEqual(verdicts.at(-1));
  expect(restored.slot).toBe(slot);
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

test("a stored guard is JSON: reading it back gives the same", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 1000 });
  const silent = serializeGuard(guard);
  expect(silent.unitStream.logStakes).toEqual(guard.unitStream.stakes.map(() => null));
  play(guard, [{ type: "report", stepsAgo: 0, stratum: "north", requests: [5, 90], failures: [2, 1, 0, 0] }], 0);
  for (const stored of [silent, serializeGuard(guard)]) expect(JSON.parse(JSON.stringify(stored))).toEqual(stored);
});

test("of a hundred thousand units only those that failed are stored", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 1000 });
  expect(serializeGuard(guard).units).toEqual([]);
  const failed = { ok: 5, failures: { error: { count: 2, distinct: 2 } }, units: [1, 70] };
  ingest(guard, { epoch: 1, candidate: failed, control: arm(90, 0, 0, 1000, 100_000) });
  expect(serializeGuard(guard).units).toEqual([
    [0, 0b10],
    [2, 0b1000000],
  ]);
});

test("a guard that was stored before anybody asked who was slow knows of no slow unit", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 1000 });
  ingest(guard, { epoch: 1, candidate: arm(5, 1, 1, 0, 1000), control: arm(90, 0, 0, 1000, 100_000) });
  expect(guard.recentSlowUnits.size).toBe(1);
  const { recentSlowUnits: _, ...before } = serializeGuard(guard);
  expect(restoreGuard(before)).toEqual({ ...guard, recentSlowUnits: new Map() });
});

const firstOf = <Item>(items: readonly Item[], change: (first: Item) => Item): Item[] =>
  items.map((item, index) => (index === 0 ? change(item) : item));
const unstaked = (stream: StoredStream): StoredStream => ({ ...stream, logStakes: [] });

test.for<[string, (stored: StoredGuard) => Partial<StoredGuard>]>([
  ["format", () => ({ format: 1 as 2 })],
  ["format", () => ({ epochs: [] })],
  ["trail", ({ trail }) => ({ trail: { ...trail, above: [] } })],
  ["unitStream", ({ unitStream: all }) => ({ unitStream: { ...all, logStakes: all.logStakes.slice(1) } })],
  ["unitStream", ({ unitStream: all }) => ({ unitStream: { ...all, logStakes: [...all.logStakes, null] } })],
  ["unitStream", ({ unitStream: all }) => ({ unitStream: { ...all, logCash: Number.NaN } })],
  ["unitStream", ({ unitStream: all }) => ({ unitStream: { ...all, informativeBlocks: Number.NaN } })],
  ["unitStream", ({ unitStream: all }) => ({ unitStream: { ...all, nextStakedShare: Number.NaN } })],
  ["requestStreams", ({ requestStreams: all }) => ({ requestStreams: all.slice(1) })],
  ["requestStreams", ({ requestStreams: all }) => ({ requestStreams: [...all, ...all] })],
  ["requestStreams", () => ({ config: { ...config, slowMs: null } })],
  [
    "requestStreams[0]",
    ({ requestStreams: all }) => ({
      requestStreams: firstOf(all, (kind) => ({ ...kind, stream: unstaked(kind.stream) })),
    }),
  ],
  ["absolutes", () => ({ absolutes: [] })],
  ["absolutes", ({ absolutes: all }) => ({ absolutes: [...all, ...all] })],
  [
    "absolutes[0]",
    ({ absolutes: all }) => ({ absolutes: firstOf(all, (rule) => ({ ...rule, stream: unstaked(rule.stream) })) }),
  ],
  ["promotion", () => ({ promotion: [] })],
  ["promotion", ({ promotion: all }) => ({ promotion: [...all, ...all] })],
  ["promotion[0]", ({ promotion: all }) => ({ promotion: all.toReversed() })],
  ["promotion[0]", ({ promotion: all }) => ({ promotion: firstOf(all, (one) => ({ ...one, worseRatio: 4 })) })],
  ["promotion[0]", ({ promotion: all }) => ({ promotion: firstOf(all, (one) => ({ ...one, worseExtraRate: 0.02 })) })],
  ["promotion[0]", ({ promotion: all }) => ({ promotion: all.map((one) => ({ ...one, logScores: [] })) })],
  ["promotion[0]", ({ promotion: all }) => ({ promotion: all.map((one) => ({ ...one, logScores: [[1], [1]] })) })],
  [
    "promotion[0]",
    ({ promotion: all }) => ({
      promotion: firstOf(all, (one) => ({ ...one, logScores: [...one.logScores, ...one.logScores] })),
    }),
  ],
  [
    "promotion[0]",
    ({ promotion: all }) => ({
      promotion: firstOf(all, (one) => ({ ...one, logScores: one.logScores.map((logs) => logs.with(3, Number.NaN)) })),
    }),
  ],
])("a stored guard that does not fit its configuration in %s is refused, and where is said", ([path, change]) => {
  const stored = serializeGuard(createGuard(config, { epoch: 1, thousandths: 1000 }));
  expect(() => restoreGuard({ ...stored, ...change(stored) })).toThrow(
    expect.objectContaining({ code: "CORRUPT", details: { path } }),
  );
});

test("a stored guard with a configuration that is not usable is refused", () => {
  const stored = serializeGuard(createGuard(config, { epoch: 1, thousandths: 1000 }));
  expect(() => restoreGuard({ ...stored, config: { ...config, alpha: 2 } })).toThrow(
    expect.objectContaining({ code: "VALIDATION" }),
  );
});
