import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import type { Actor } from "./event.ts";
import type { Plan } from "./plan.ts";
import { defaultPlan } from "./plan.ts";
import { proof } from "./sample-proof.testing.ts";
import { ben, carryOut, guard, noon, reason, release, running } from "./sample-release.testing.ts";
import type { NamespaceState, ReleaseState } from "./state.ts";

const holdMs = 1_000;
const waitMaxMs = 5_000;
const plan: Plan = {
  ...defaultPlan,
  steps: [
    { thousandths: 1_000, holdMs },
    { thousandths: 5_000, holdMs },
  ],
  bakeMs: 2_000,
  promotion: { waitMaxMs, otherwise: "hold" },
};
const provenAt = (epoch: number): Command => ({ type: "tick", proven: { [release]: { epoch, evidence: proof } } });
const tick: Command = { type: "tick" };
const ticked = (elapsedMs: number): Command => ({
  type: "tick",
  guardOff: { [release]: { stepSince: noon, elapsedMs } },
});
const offFor = (forMs: number): Command => ({ type: "guard-off", release, forMs, reason: "a known fault" });

/** What a command comes to so long after the release has started; the types of the events, none where nothing changed. */
function given(
  state: NamespaceState,
  command: Command,
  afterMs: number,
  by: Actor = ben,
): { readonly state: NamespaceState; readonly events: readonly string[] } {
  const { types, state: next } = carryOut(state, command, by, noon + afterMs);
  return { state: next, events: types };
}

function releaseIn({ releases }: NamespaceState): ReleaseState {
  const found = releases[release];
  if (found === undefined) throw new Error("the release is there");
  return found;
}

test("an open promotion test takes no step before its hold is over", () => {
  const state = running(null, plan);
  expect(given(state, provenAt(1), holdMs - 1).events).toEqual([]);
  expect(given(state, provenAt(1), holdMs).events).toEqual(["percentage-set"]);
});

test("proof of an earlier step proves nothing at this one", () => {
  const at5 = given(running(null, plan), provenAt(1), holdMs).state;
  expect(given(at5, provenAt(1), holdMs + 4_000).events).toEqual([]);
  expect(given(at5, provenAt(2), holdMs + 4_000).events).toEqual(["release-promoted"]);
});

test("a step that waits in vain for the promotion test is held by its plan, once, and goes on when the test opens", () => {
  const state = running(null, plan);
  expect(given(state, tick, holdMs + waitMaxMs - 1).events).toEqual([]);
  const held = given(state, tick, holdMs + waitMaxMs);
  expect(held.events).toEqual(["release-held"]);
  expect(releaseIn(held.state).hold?.by.kind).toBe("plan");
  expect(given(held.state, tick, holdMs + waitMaxMs + 60_000).events).toEqual([]);
  const on = given(held.state, provenAt(1), holdMs + waitMaxMs + 60_000);
  expect(on.events).toEqual(["release-resumed", "percentage-set"]);
  expect(releaseIn(on.state)).toMatchObject({ hold: null, thousandths: 5_000, epoch: 2 });
});

test("a plan that proceeds takes the step when its wait is over, and says that nothing was proved", () => {
  const state = running(null, { ...plan, promotion: { waitMaxMs, otherwise: "proceed" } });
  expect(given(state, tick, holdMs + waitMaxMs - 1).events).toEqual([]);
  const { decision: on } = carryOut(state, tick, ben, noon + holdMs + waitMaxMs);
  expect(on).toMatchObject({
    events: [{ by: { kind: "plan" }, event: { type: "percentage-set", thousandths: 5_000, evidence: null } }],
  });
});

test("a person who resumes what the plan holds for want of evidence takes its next step", () => {
  const held = given(running(null, plan), tick, holdMs + waitMaxMs).state;
  const resume: Command = { type: "resume", release, reason: "we looked ourselves" };
  expect(given(held, resume, holdMs + waitMaxMs + 1).events).toEqual(["release-resumed", "percentage-set"]);
});

test("the guard takes back no hold of the plan, and no hold of another of its rules", () => {
  const held = given(running(null, plan), tick, holdMs + waitMaxMs).state;
  const resume: Command = { type: "resume", release, reason: "the evidence faded" };
  expect(given(held, resume, holdMs + waitMaxMs + 1, guard).events).toEqual([]);
  const vanished = { kind: "guard", name: "vanished" } as const;
  const state = running(null, plan);
  const other = given(state, { type: "hold", release, cause: reason }, 0, vanished);
  expect(other.events).toEqual(["release-held"]);
  expect(given(other.state, resume, 1, guard).events).toEqual([]);
});

test("while the guard is off a plan takes no step, and goes on at its own pace when it is on again", () => {
  const off = given(running(null, plan), offFor(10_000), 0).state;
  expect(given(off, provenAt(1), 9_999).events).toEqual([]);
  const on = given(off, provenAt(1), 10_000);
  expect(on.events).toEqual(["guard-on"]);
  expect(releaseIn(on.state).guardOff).toBeNull();
  expect(given(on.state, provenAt(1), 10_001).events).toEqual(["percentage-set"]);
});

test("the time of a guard that is off is counted by the clock that does not jump", () => {
  const off = given(running(null, plan), offFor(10_000), 0).state;
  expect(given(off, ticked(9_999), 3_600_000).events).toEqual([]);
  expect(given(off, ticked(10_000), -3_600_000).events).toEqual(["guard-on"]);
});

test("a bake lasts as long as its plan says, and not a millisecond less", () => {
  const baking = given(running(null, plan), { type: "promote", release, epoch: null }, 0).state;
  expect(given(baking, tick, plan.bakeMs - 1).events).toEqual([]);
  expect(given(baking, tick, plan.bakeMs).events).toEqual(["release-completed"]);
});

test("a bake ends although the guard is off: nothing is left to hold back", () => {
  const baking = given(running(null, plan), { type: "promote", release, epoch: null }, 0).state;
  const off = given(baking, offFor(60_000), 1).state;
  expect(given(off, tick, plan.bakeMs).events).toEqual(["release-completed"]);
});

test("a guard that is off neither reverts nor holds; people and alerts do, and what was announced is appended", () => {
  const off = given(running(null, plan), offFor(60_000), 0).state;
  const revert: Command = { type: "revert", target: { release }, cause: reason };
  expect(given(off, revert, 1, guard).events).toEqual([]);
  expect(given(off, { ...revert, target: { dataset: "prices" } }, 1, guard).events).toEqual([]);
  expect(given(off, { type: "hold", release, cause: reason }, 1, guard).events).toEqual([]);
  expect(given(off, revert, 1).events).toEqual(["release-reverted"]);
  expect(given(off, { ...revert, announced: true }, 1, guard).events).toEqual(["release-reverted"]);
});

test.each([999, 43_200_001, 1_000.5])("a guard is not turned off for %d ms", (forMs) => {
  const { decision } = carryOut(running(null, plan), offFor(forMs));
  expect(decision).toMatchObject({ kind: "rejected", code: "VALIDATION" });
});
