import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import type { Actor } from "./event.ts";
import { defaultPlan } from "./plan.ts";
import { planOfPreset } from "./presets.ts";
import { ben, carryOut, guard, noon, publishOf, reason, release, running, startOf } from "./sample-release.testing.ts";
import type { NamespaceState, ReleaseState } from "./state.ts";
import { activeRelease } from "./state.ts";

const alert: Actor = { kind: "alert", name: "Slow" };
const hold: Command = { type: "hold", release, cause: reason };
const resume: Command = { type: "resume", release, reason: "the evidence faded" };

/** What a command comes to that is accepted, or changes nothing. */
function given(
  state: NamespaceState,
  by: Actor,
  command: Command,
  nowMs: number = noon,
): { state: NamespaceState; events: readonly string[] } {
  const { decision, types, state: next } = carryOut(state, command, by, nowMs);
  if (decision.kind === "rejected") throw new Error(`not accepted: ${decision.message}`);
  return { state: next, events: types };
}

const activeOf = (state: NamespaceState): ReleaseState | undefined => activeRelease(state, "prices");

test.each([ben, alert])("a hold of the guard that $kind $name wants too does not end when the evidence fades", (by) => {
  const held = given(running(5_000), guard, hold).state;
  const taken = given(held, by, hold);
  expect(taken.events).toEqual(["release-held"]);
  expect(activeOf(taken.state)?.hold?.by).toEqual(by);
  expect(given(taken.state, guard, resume).events).toEqual([]);
  expect(given(taken.state, ben, resume).events).toEqual(["release-resumed"]);
});

test("a hold of a person is not taken over, by an alert or the guard", () => {
  const held = given(running(5_000), ben, hold).state;
  for (const by of [alert, guard, ben]) expect(given(held, by, hold).events).toEqual([]);
});

test("a percentage that a person sets while the guard holds does not move on when the evidence fades", () => {
  const held = given(running(5_000), guard, hold).state;
  const set = given(held, ben, { type: "set-percentage", release, thousandths: 2_000, epoch: null });
  expect(set.events).toEqual(["percentage-set", "release-held"]);
  expect(given(set.state, guard, resume).events).toEqual([]);
});

test("a release that starts with everybody bakes at once, however it was started", () => {
  const published = running(100_000);
  expect(activeOf(published)).toMatchObject({ phase: "baking", thousandths: 100_000 });
  const { state: reverted } = given(published, ben, { type: "revert", target: { release }, cause: reason });
  const held = given(reverted, ben, publishOf(3)).state;
  const started = given(held, ben, startOf("release-3", { publish: 3, thousandths: 100_000 }));
  expect(started.events).toEqual(["release-started", "release-promoted"]);
  expect(activeOf(started.state)).toMatchObject({ phase: "baking", thousandths: 100_000 });
});

test("time that passed at another step brings none: a tick that waited behind a resume finds the hold counted anew", () => {
  const holdMs = defaultPlan.steps[0]?.holdMs ?? 0;
  const before = running(1_000);
  const elapsed = { [release]: { stepSince: noon, elapsedMs: holdMs } };
  expect(given(before, ben, { type: "tick", elapsed }, noon).events).toEqual(["percentage-set"]);
  const held = given(before, ben, hold, noon + 1).state;
  const resumed = given(held, ben, resume, noon + holdMs).state;
  expect(given(resumed, ben, { type: "tick", elapsed }, noon + holdMs).events).toEqual([]);
});

test("a release that is started below its plan's first step stays there until a person resumes it", () => {
  for (const plan of [defaultPlan, planOfPreset("all-at-once"), { ...planOfPreset("all-at-once"), promotion: null }]) {
    const state = running(500, plan);
    expect(activeOf(state)?.hold).toMatchObject({ by: ben, cause: { reason: expect.stringMatching(/first step/) } });
    expect(given(state, ben, { type: "tick" }, noon + 86_400_000).events).toEqual([]);
  }
});

test("a release that is started at its plan's first step, above it or without a percentage is not held, nor one that goes by hand", () => {
  for (const thousandths of [null, 1_000, 2_000]) expect(activeOf(running(thousandths))?.hold).toBeNull();
  expect(activeOf(running(500, { ...defaultPlan, automatic: false }))?.hold).toBeNull();
});
