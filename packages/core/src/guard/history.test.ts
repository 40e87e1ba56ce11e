import { expect, test } from "vitest";
import { defaultGuardConfig, type GuardConfig, slotMs } from "./config.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import { crossingsMax, historyOf, pointsMax } from "./history.ts";
import type { ArmReport, OutcomeReport } from "./report.ts";
import type { GuardState } from "./state.ts";

// No bound that a test here would prove unless it wants to.
const far = { beta: 0.1, bounds: [{ fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.0001 }] };
const config: GuardConfig = { ...defaultGuardConfig, absolute: [], promotion: far };
const start = { epoch: 1, thousandths: 5000 };
const wall = 1_700_000_000_000;

function arm(requests: number, failures = 0, units: number[] = []): ArmReport {
  return { ok: requests - failures, failures: { error: { count: failures, distinct: failures } }, units };
}

const quiet: OutcomeReport = { epoch: 1, candidate: arm(50), control: arm(950) };

/** Ticks once for each report, a slot apart, at the wall clock's time of each slot. */
function play(guard: GuardState, reports: readonly OutcomeReport[], fromSlot = 1) {
  let verdict = tickGuard(guard, (fromSlot - 1) * slotMs, wall + (fromSlot - 1) * slotMs);
  for (const [index, report] of reports.entries()) {
    const at = (fromSlot + index) * slotMs;
    ingest(guard, report, wall + at);
    verdict = tickGuard(guard, at, wall + at);
  }
  return verdict.evidence;
}

test("a line that is passed is written down with the moment and the direction, once", () => {
  const guard = createGuard(config, start);
  const suspicious = { ...quiet, candidate: arm(50, 2) };
  const evidence = play(guard, [quiet, suspicious, quiet, { ...quiet, control: arm(950, 60) }]);
  const [up, down] = [wall + 2 * slotMs, wall + 4 * slotMs];
  expect(evidence.crossings).toEqual([
    { at: up, stream: "requests", line: "hold", direction: "up" },
    { at: up, stream: "comparative", line: "hold", direction: "up" },
    { at: down, stream: "requests", line: "hold", direction: "down" },
    { at: down, stream: "comparative", line: "hold", direction: "down" },
  ]);
});

test("a revert's evidence says that and when its own line was passed", () => {
  const guard = createGuard(config, start);
  const evidence = play(guard, [quiet, { ...quiet, candidate: arm(20, 20) }]);
  const at = wall + 2 * slotMs;
  expect(evidence.crossings).toEqual(
    ["requests", "comparative"].flatMap((stream) =>
      ["hold", "revert"].map((line) => ({ at, stream, line, direction: "up" })),
    ),
  );
});

test("units pass their lines when their report comes, and not before units are known", () => {
  const guard = createGuard(config, start);
  tickGuard(guard, 0, wall);
  ingest(guard, { ...quiet, candidate: arm(20, 5, [1, 2, 3, 4, 5]) }, wall + 20);
  const { crossings } = tickGuard(guard, 30, wall + 30).evidence;
  expect(crossings).toEqual(
    ["units", "comparative"].flatMap((stream) =>
      ["hold", "revert"].map((line) => ({ at: wall + 20, stream, line, direction: "up" })),
    ),
  );
  const unknown = createGuard(config, start);
  ingest(unknown, { ...quiet, candidate: arm(50, 1) }, wall);
  ingest(unknown, { ...quiet, candidate: arm(20, 5, [1, 2, 3, 4, 5]) }, wall);
  expect(unknown.trail.crossings).toEqual([]);
});

test("the promotion test's line, and an absolute rule's, are written down too", () => {
  const bounds = [
    { fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.05 },
    { fromThousandths: 50_000, worseRatio: 2, worseExtraRate: 0.0001 },
  ];
  const guard = createGuard({ ...config, promotion: { beta: 0.1, bounds } }, start);
  play(guard, [quiet, quiet, quiet]);
  stepGuard(guard, { epoch: 2, thousandths: 50_000 }, wall + 10_000);
  expect(guard.trail.crossings).toEqual([
    { at: wall + 2 * slotMs, stream: "promotion", line: "promotion", direction: "up" },
    { at: wall + 10_000, stream: "promotion", line: "promotion", direction: "down" },
  ]);

  const limited = createGuard(defaultGuardConfig, { epoch: 1, thousandths: 100_000 });
  play(limited, [{ epoch: 1, candidate: arm(40, 40), control: arm(0) }]);
  expect(limited.trail.crossings).toEqual([{ at: wall + slotMs, stream: "absolute", line: "revert", direction: "up" }]);
});

test("of many crossings the newest are kept", () => {
  const bounds = [
    { fromThousandths: 0, worseRatio: 2, worseExtraRate: 0.05 },
    { fromThousandths: 50_000, worseRatio: 2, worseExtraRate: 0.0001 },
  ];
  const guard = createGuard({ ...config, promotion: { beta: 0.1, bounds } }, start);
  play(guard, [quiet, quiet, quiet]);
  for (let epoch = 2; epoch < 42; epoch += 1) {
    stepGuard(guard, { epoch, thousandths: epoch % 2 === 0 ? 50_000 : 5_000 }, wall + epoch * 1000);
  }
  const { crossings } = guard.trail;
  expect(crossings.map(({ at }) => (at - wall) / 1000)).toEqual(
    Array.from({ length: crossingsMax }, (_, index) => 42 - crossingsMax + index),
  );
  // What is shown does not change with the guard.
  const { evidence } = tickGuard(guard, 1000);
  stepGuard(guard, { epoch: 42, thousandths: 50_000 }, wall + 42_000);
  expect(evidence.crossings.at(-1)?.at).toBe(wall + 41_000);
});

test("without a wall clock evidence is gathered all the same, at no time", () => {
  const guard = createGuard(config, start);
  ingest(guard, { ...quiet, candidate: arm(20, 20) });
  const { evidence } = tickGuard(guard, slotMs);
  expect(evidence.crossings.map(({ at }) => at)).toEqual([0, 0, 0, 0]);
});

test("a history is a point for each slot, and the moment itself", () => {
  const guard = createGuard(config, start);
  play(guard, [quiet, { ...quiet, candidate: arm(50, 1, [7]) }, quiet]);
  stepGuard(guard, { epoch: 2, thousandths: 25_000 }, wall + 800);
  ingest(guard, { ...quiet, epoch: 2 }, wall + 900);
  const history = historyOf(guard);
  expect(
    history.map(({ at, thousandths, candidateRequests, candidateFailures }) => [
      at - wall,
      thousandths,
      candidateRequests,
      candidateFailures,
    ]),
  ).toEqual([
    [0, 5000, 0, 0],
    [250, 5000, 50, 0],
    [500, 5000, 100, 1],
    [750, 5000, 150, 1],
    [900, 25_000, 200, 1],
  ]);
  const { evidence } = tickGuard(guard, 0.9 * 1000, wall + 900);
  const last = historyOf(guard).at(-1);
  expect(Math.exp(last?.logComparative ?? 0)).toBeCloseTo(evidence.comparativeEvidence, 2);
  expect(Math.exp(last?.logUnits ?? 0)).toBeCloseTo(evidence.unitEvidence ?? 0, 2);
  expect(Math.exp(last?.logRequests ?? 0)).toBeCloseTo(evidence.requestEvidence, 2);
  expect(Math.exp(last?.logPromotion ?? 0)).toBeCloseTo(evidence.promotion.evidence, 2);
  expect(history[0]?.logUnits).toBeNull();
});

test("the moment is not there twice where a point was just kept", () => {
  const guard = createGuard(config, start);
  expect(historyOf(guard).map(({ at }) => at)).toEqual([0]);
  play(guard, [quiet, quiet]);
  expect(historyOf(guard).map(({ at }) => at - wall)).toEqual([0, 250, 500]);
});

test("a long history is thinned: it keeps its beginning, and its points come half as often each time it is full", () => {
  const guard = createGuard(config, start);
  const slots = 2000;
  for (let slot = 0; slot < slots; slot += 1) {
    tickGuard(guard, slot * slotMs, wall + slot * slotMs);
    expect(guard.trail.points.length).toBeLessThan(pointsMax);
  }
  const ats = historyOf(guard).map(({ at }) => (at - wall) / slotMs);
  expect([ats[0], ats.at(-1)]).toEqual([0, slots - 1]);
  // 2,000 slots are 16 times 125.
  const steps = ats.slice(1, -1).map((at, index) => at - (ats[index] ?? 0));
  expect(new Set(steps)).toEqual(new Set([16]));
  expect(guard.trail.intervalSlots).toBe(16);
});

test("a history that was taken does not change with the guard", () => {
  const guard = createGuard(config, start);
  play(guard, [quiet]);
  const taken = historyOf(guard);
  const copy = structuredClone(taken);
  play(guard, [quiet, quiet], 2);
  expect(taken).toEqual(copy);
});
