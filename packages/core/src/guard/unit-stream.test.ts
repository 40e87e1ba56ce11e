import { expect, test } from "vitest";
import { closeBlock, createComparison } from "./comparative.ts";
import { createGuard, ingest, stepGuard, tickGuard } from "./guard.ts";
import { arm, config, quiet, start } from "./guard.testing.ts";

// Units as the guard uses them: who is at risk, who failed, and how many a revert needs.

test("late units are compared by the share of their own step", () => {
  const guard = createGuard(config, start);
  stepGuard(guard, { epoch: 2, thousandths: 50_000 });
  const late = createGuard(config, start);
  for (const state of [guard, late])
    ingest(state, { epoch: 1, candidate: arm(9, 3, { units: [1, 2, 3] }), control: arm(90) });
  expect(tickGuard(guard, 1).evidence.unitEvidence).toBe(tickGuard(late, 1).evidence.unitEvidence);
  // The same units under a share of 50 % are hardly a surprise.
  const half = createGuard(config, { epoch: 1, thousandths: 50_000 });
  ingest(half, { epoch: 1, candidate: arm(9, 3, { units: [1, 2, 3] }), control: arm(90) });
  expect(tickGuard(half, 1).evidence.unitEvidence).toBeLessThan(tickGuard(guard, 1).evidence.unitEvidence ?? 0);
});

test("a unit that failed is at risk no more, in either arm", () => {
  const guard = createGuard(config, start);
  const stream = createComparison();
  const first = arm(9, 3, { units: [1, 2, 3] });
  ingest(guard, { epoch: 1, candidate: first, control: arm(90, 2, { units: [6000, 6001] }) });
  closeBlock(stream, config, {
    candidateRequests: 5000,
    candidateFailures: 3,
    controlRequests: 95_000,
    controlFailures: 2,
  });
  ingest(guard, { epoch: 1, candidate: arm(9, 1, { units: [4] }), control: arm(90, 1, { units: [7000] }) });
  closeBlock(stream, config, {
    candidateRequests: 4997,
    candidateFailures: 1,
    controlRequests: 94_998,
    controlFailures: 1,
  });
  expect(guard.unitStream).toEqual(stream);
});

test("units are known when a unit of the control is the first that failed", () => {
  const guard = createGuard(config, start);
  ingest(guard, { ...quiet, control: arm(950, 1, { units: [6000] }) });
  expect([guard.unitsKnown, guard.unitsFailed]).toEqual([true, 1]);
});

test("failures without units say nothing about units, not even that none failed", () => {
  const guard = createGuard({ ...config, toleratedExtraRate: 0.01 }, start);
  ingest(guard, { ...quiet, candidate: arm(50, 1, { units: [3] }) });
  const before = guard.unitStream.logEvidence;
  ingest(guard, { ...quiet, candidate: arm(50, 1) });
  expect(guard.unitStream.logEvidence).toBe(before);
  ingest(guard, quiet);
  expect(guard.unitStream.logEvidence).toBeLessThan(before);
});

test("one user who fails every other minute never makes the three users that a revert needs", () => {
  const guard = createGuard(config, { epoch: 1, thousandths: 100 });
  for (let minute = 0; minute < 20; minute += 2) {
    tickGuard(guard, minute * 60_000);
    ingest(guard, { epoch: 1, candidate: arm(20, 1, { units: [3] }), control: arm(9_500) });
  }
  expect(tickGuard(guard, 1_200_000).evidence).toMatchObject({
    failuresMinReached: false,
    kinds: [{ kind: "other", candidateDistinct: 10 }],
  });
});

test("no more candidate units are remembered than a revert needs", () => {
  const guard = createGuard(config, start);
  ingest(guard, { ...quiet, candidate: arm(50, 5, { units: [1, 2, 3, 4, 5] }) });
  expect(guard.candidateUnits).toEqual([1, 2, 3]);
});

test("a block begins with a zero for every kind", () => {
  const guard = createGuard({ ...config, kinds: ["below-cost"] }, start);
  ingest(guard, quiet);
  const zeros = [0, 0];
  const block = { candidateRequests: 50, controlRequests: 950, candidateFailures: zeros, controlFailures: zeros };
  expect([...(guard.epochs[0]?.blocks.values() ?? [])]).toEqual([block]);
});
