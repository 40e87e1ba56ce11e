import { expect, test } from "vitest";
import { defaultGuardConfig, slotMs } from "./config.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import { arm, broken, config, play, quiet, start } from "./guard.testing.ts";
import { currentEpoch } from "./state.ts";

// Percentage steps: what is a step, what a step closes, and where reports of an earlier one go.

const refused = (details: object): unknown => expect.objectContaining({ code: "VALIDATION", details });

test("a step's number is a whole number from 0 on and its thousandths are 0 to 100,000", () => {
  for (const thousandths of [0, 100_000]) {
    const guard = createGuard(config, { epoch: 0, thousandths });
    expect(currentEpoch(guard)).toMatchObject({ epoch: 0, thousandths });
  }
  const guard = createGuard(config, start);
  for (const epoch of [-1, 0.5, Number.NaN, 2 ** 53]) {
    expect(() => createGuard(config, { epoch, thousandths: 5000 })).toThrow(refused({ epoch }));
    expect(() => stepGuard(guard, { epoch, thousandths: 5000 })).toThrow(refused({ epoch }));
  }
  for (const thousandths of [-1, 0.5, 100_001, Number.NaN]) {
    expect(() => createGuard(config, { epoch: 2, thousandths })).toThrow(refused({ thousandths }));
    expect(() => stepGuard(guard, { epoch: 2, thousandths })).toThrow(refused({ thousandths }));
  }
});

test("a step repeated is nothing, another one of the same number or an earlier one is refused", () => {
  const guard = createGuard(config, start);
  stepGuard(guard, start);
  expect(guard.epochs).toHaveLength(1);
  for (const epoch of [1, 0]) {
    expect(() => stepGuard(guard, { epoch, thousandths: 6000 })).toThrow(refused({ epoch, current: 1 }));
  }
});

test("a step closes what is open, keeps the evidence, and late reports go to the step of their requests", () => {
  const guard = createGuard(config, start);
  const before = play(guard, [{ ...quiet, candidate: arm(50, 1) }]).evidence;
  ingest(guard, { epoch: 1, candidate: arm(1, 1), control: arm(10) });
  expect(tickGuard(guard, 2 * slotMs).evidence.comparativeEvidence).toBe(before.comparativeEvidence);
  stepGuard(guard, { epoch: 2, thousandths: 25_000 });
  const stepped = tickGuard(guard, 2 * slotMs + 1).evidence;
  expect(stepped.comparativeEvidence).toBeGreaterThan(before.comparativeEvidence);
  expect(stepped).toMatchObject({ epoch: 2, thousandths: 25_000 });

  const late = createGuard(config, start);
  stepGuard(late, { epoch: 2, thousandths: 25_000 });
  ingest(late, { ...quiet, candidate: arm(50, 1) });
  ingest(late, { epoch: 2, candidate: arm(500), control: arm(1500) });
  const evidence = tickGuard(late, slotMs).evidence;
  const alone = play(createGuard(config, start), [{ ...quiet, candidate: arm(50, 1) }]).evidence;
  expect(evidence.requestEvidence).toBeCloseTo(alone.requestEvidence, 9);
});

test("a block closes in a slot when both arms have two requests, and waits until then", () => {
  for (const [candidate, control, closes] of [
    [1, 2, false],
    [2, 1, false],
    [2, 2, true],
  ] as const) {
    const guard = createGuard(config, start);
    const { evidence } = play(guard, [{ epoch: 1, candidate: arm(candidate, 1), control: arm(control) }]);
    expect(evidence.requestEvidence > 1).toBe(closes);
  }
});

test("a step closes a block of one arm too: it compares nothing, and late reports of the other arm do not join it", () => {
  const guard = createGuard(config, start);
  ingest(guard, { ...broken, control: arm(0) });
  stepGuard(guard, { epoch: 2, thousandths: 25_000 });
  ingest(guard, { epoch: 1, candidate: arm(2), control: arm(950) });
  expect(tickGuard(guard, slotMs).evidence.requestEvidence).toBe(1);
});

test("a step that closes a damning block reverts even when it goes to 100 %", () => {
  const guard = createGuard(config, start);
  tickGuard(guard, 0);
  ingest(guard, broken);
  expect(tickGuard(guard, 1).action).toBe("none");
  stepGuard(guard, { epoch: 2, thousandths: 100_000 });
  expect(tickGuard(guard, 2)).toMatchObject({ action: "revert", evidence: { epoch: 1, thousandths: 5000 } });
});

test("a step makes every stream that has seen something stake a quarter anew", () => {
  const guard = createGuard(defaultGuardConfig, start);
  play(guard, [{ ...quiet, candidate: arm(50, 1, { units: [3] }) }]);
  const streams = [guard.unitStream, ...[...guard.requestStreams, ...guard.absolutes].map(({ stream }) => stream)];
  expect(streams.map(({ nextStakedShare }) => nextStakedShare)).toEqual([0, 0, 0]);
  stepGuard(guard, { epoch: 2, thousandths: 25_000 });
  expect(streams.map(({ nextStakedShare }) => nextStakedShare)).toEqual([0.25, 0.25, 0.25]);
});

test("a guard without a step is a programmer's error", () => {
  expect(() => currentEpoch({ ...createGuard(config, start), epochs: [] })).toThrow(/at least/);
});
