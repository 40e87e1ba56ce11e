import { expect, test } from "vitest";
import { defaultGuardConfig, slotMs } from "./config.ts";
import { guardAction } from "./decision.ts";
import { createGuard, ingest, setGuardOff, tickGuard } from "./guard.ts";
import { arm, broken, config, play, quiet, start } from "./guard.testing.ts";
import { restoreGuard, serializeGuard } from "./stored.ts";

test("a guard that is off gathers evidence and decides nothing, by any of its rules", () => {
  const guard = createGuard(defaultGuardConfig, start);
  setGuardOff(guard, true);
  const off = play(guard, [broken, { ...broken, candidate: arm(60, 60) }]);
  expect(off).toMatchObject({ action: "none", rule: null });
  expect(off.evidence.comparativeEvidence).toBeGreaterThan(off.evidence.threshold);
  expect(guardAction(guard)).toBe("none");
  expect(guard.reverted).toBeUndefined();
  setGuardOff(guard, false);
  expect(guard.reverted).toMatchObject({ rule: "comparative", evidence: { candidateFailures: 80 } });

  const whole = createGuard(defaultGuardConfig, { epoch: 1, thousandths: 100_000 });
  setGuardOff(whole, true);
  expect(play(whole, [{ epoch: 1, candidate: arm(60, 60), control: arm(0) }]).action).toBe("none");
  setGuardOff(whole, false);
  expect(whole.reverted?.rule).toBe("absolute");
});

test("what was latched is forgotten when the guard is turned off, and the evidence of the moment decides", () => {
  const guard = createGuard(config, start);
  expect(play(guard, [broken]).action).toBe("revert");
  setGuardOff(guard, true);
  setGuardOff(guard, true);
  expect(tickGuard(guard, slotMs).action).toBe("none");
  play(
    guard,
    Array.from({ length: 20 }, () => ({ ...quiet, control: arm(950, 200) })),
    2,
  );
  setGuardOff(guard, false);
  expect(tickGuard(guard, 22 * slotMs).action).toBe("none");
  // Turning on what is on changes nothing.
  play(guard, [{ ...broken, candidate: arm(50, 50) }], 22);
  const reverted = tickGuard(guard, 22 * slotMs);
  setGuardOff(guard, false);
  expect(tickGuard(guard, 22 * slotMs)).toEqual(reverted);
});

test("a guard that is off does not hold either", () => {
  const guard = createGuard(config, start);
  setGuardOff(guard, true);
  expect(play(guard, [{ ...quiet, candidate: arm(50, 2) }]).action).toBe("none");
  setGuardOff(guard, false);
  expect([guardAction(guard), tickGuard(guard, slotMs).action]).toEqual(["hold", "hold"]);
});

test("a guard that is told again that it is on does not look at its windows before the slot is over", () => {
  const guard = createGuard(defaultGuardConfig, { epoch: 1, thousandths: 100_000 });
  const one = { epoch: 1, candidate: arm(60, 60, { units: [7] }), control: arm(0) };
  play(guard, [one]);
  ingest(guard, { ...one, candidate: arm(2, 2, { units: [8, 9] }) });
  setGuardOff(guard, false);
  expect(guard.reverted).toBeUndefined();
  expect(tickGuard(guard, 2 * slotMs).action).toBe("revert");
});

test("a guard that was stored while it was off, and is on by the time that it is restored, reverts at its next slot", () => {
  const guard = createGuard(config, start);
  setGuardOff(guard, true);
  expect(play(guard, [broken]).action).toBe("none");
  const restored = restoreGuard(serializeGuard(guard));
  setGuardOff(restored, false);
  expect(tickGuard(restored, 2 * slotMs)).toMatchObject({ action: "revert", rule: "comparative" });
});
