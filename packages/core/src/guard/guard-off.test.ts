import { expect, test } from "vitest";
import { defaultGuardConfig, slotMs } from "./config.ts";
import { guardAction } from "./decision.ts";
import { createGuard, setGuardOff, tickGuard } from "./guard.ts";
import { arm, broken, config, play, quiet, start } from "./guard.testing.ts";

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
