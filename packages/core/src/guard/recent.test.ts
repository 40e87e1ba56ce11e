import { expect, test } from "vitest";
import { defaultGuardConfig, slotMs } from "./config.ts";
import { createGuard, ingest, tickGuard } from "./guard.ts";
import { countFresh, type RecentUnits, restoreRecent, storeRecent } from "./recent.ts";
import type { ArmReport } from "./report.ts";
import type { GuardState } from "./state.ts";

const none: ArmReport = { ok: 10, failures: {}, units: [] };
const failed = (units: readonly number[], failures: ArmReport["failures"]): ArmReport => ({ ok: 10, failures, units });
const told = (distinct: number): { count: number; distinct: number } => ({ count: distinct, distinct });

test("a unit is fresh until it fails, and again 60 s after its last failure", () => {
  const recent: RecentUnits = new Map();
  expect(countFresh(recent, [1, 2], 0)).toBe(2);
  expect(countFresh(recent, [2, 3], 100)).toBe(1);
  expect(countFresh(recent, [1, 2, 3], 240)).toBe(1);
  expect(countFresh(recent, [2], 479)).toBe(0);
  expect(countFresh(recent, [2], 719)).toBe(1);
});

test("a unit is forgotten 60 s after its last failure", () => {
  const recent: RecentUnits = new Map();
  countFresh(recent, [1, 2], 0);
  countFresh(recent, [1], 50);
  countFresh(recent, [3], 239);
  expect([...recent.keys()]).toEqual([2, 1, 3]);
  countFresh(recent, [3], 240);
  expect([...recent]).toEqual([
    [1, 50],
    [3, 240],
  ]);
});

test("recent units are stored by slot and come back in their order", () => {
  const recent: RecentUnits = new Map();
  countFresh(recent, [5, 4, 9], 7);
  countFresh(recent, [4, 1], 8);
  expect(storeRecent(recent)).toEqual([
    [7, [5, 9]],
    [8, [4, 1]],
  ]);
  expect([...restoreRecent(storeRecent(recent))]).toEqual([...recent]);
});

test("a user's retries in five processes are one distinct failure, and count again after a minute without any", () => {
  const guard = createGuard(defaultGuardConfig, { epoch: 1, thousandths: 50_000 });
  const retry = (): void => {
    for (let process = 0; process < 5; process += 1) {
      ingest(guard, {
        epoch: 1,
        candidate: failed([7], { error: told(1) }),
        control: failed([60_000], { error: told(1) }),
      });
    }
  };
  const [kind] = guard.requestStreams;
  tickGuard(guard, 0);
  retry();
  expect(kind).toMatchObject({ candidateFailures: 5, candidateDistinct: 1, controlFailures: 5, controlDistinct: 1 });
  tickGuard(guard, 59_000);
  retry();
  expect(kind).toMatchObject({ candidateFailures: 10, candidateDistinct: 1, controlDistinct: 1 });
  tickGuard(guard, 59_000 + 60_000 + slotMs);
  retry();
  expect(kind).toMatchObject({ candidateFailures: 15, candidateDistinct: 2, controlDistinct: 2 });
});

test("users who fail in several kinds are not more than they are", () => {
  const guard = createGuard({ ...defaultGuardConfig, kinds: ["below-cost"] }, { epoch: 1, thousandths: 50_000 });
  ingest(guard, { epoch: 1, candidate: failed([1], { error: told(1) }), control: none });
  ingest(guard, { epoch: 1, candidate: failed([1, 2], { error: told(1), "below-cost": told(1) }), control: none });
  expect(guard.requestStreams.map(({ kind, candidateDistinct }) => [kind, candidateDistinct])).toEqual([
    ["below-cost", 0],
    ["other", 2],
  ]);
});

test("slow requests and failures of a reporter that knows no units are as distinct as it says", () => {
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 500 }, { epoch: 1, thousandths: 50_000 });
  ingest(guard, { epoch: 1, candidate: failed([1], { error: told(1), slow: told(4) }), control: none });
  ingest(guard, { epoch: 1, candidate: failed([1], { error: told(1), slow: told(4) }), control: none });
  ingest(guard, { epoch: 1, candidate: failed([], { error: told(3) }), control: none });
  expect(distinctByKind(guard)).toEqual({ slow: 8, other: 4 });
});

test("one user who is slow in ten processes is one slow user, and neither hides a failure of his nor is hidden by one", () => {
  const guard = createGuard({ ...defaultGuardConfig, slowMs: 500 }, { epoch: 1, thousandths: 50_000 });
  ingest(guard, { epoch: 1, candidate: failed([7], { error: told(1) }), control: none });
  for (let process = 0; process < 10; process += 1) {
    ingest(guard, { epoch: 1, candidate: { ...failed([], { slow: told(1) }), slowUnits: [7] }, control: none });
  }
  ingest(guard, { epoch: 1, candidate: failed([8], { error: told(1) }), control: none });
  expect(distinctByKind(guard)).toEqual({ slow: 1, other: 2 });
  // Nor are slow users used up in the stream of units.
  expect(guard.unitsFailed).toBe(2);
});

function distinctByKind(guard: GuardState): Record<string, number> {
  return Object.fromEntries(guard.requestStreams.map(({ kind, candidateDistinct }) => [kind, candidateDistinct]));
}
