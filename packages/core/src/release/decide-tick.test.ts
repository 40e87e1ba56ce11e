import { expect, test } from "vitest";
import { createGuard, tickGuard } from "../guard/guard.ts";
import type { Command } from "./command.ts";
import { decide } from "./decide.ts";
import type { Event } from "./event.ts";
import { evolve } from "./evolve.ts";
import type { Plan } from "./plan.ts";
import { defaultPlan } from "./plan.ts";
import type { NamespaceState, ReleaseState } from "./state.ts";
import { emptyState } from "./state.ts";

const startMs = Date.UTC(2026, 10, 11);
const anna = { kind: "person", name: "anna" } as const;
const guard = { kind: "guard", name: "comparative" } as const;
const id = "prices-v2-x";
const cause = { reason: "it hurts", evidence: null };
const evidence = tickGuard(createGuard(defaultPlan.guard, { epoch: 1, thousandths: 1_000 }), 0).evidence;
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
const provenAt = (epoch: number): Command => ({ type: "tick", proven: { [id]: { epoch, evidence } } });
const tick: Command = { type: "tick" };

const version = (number: number): Event => ({
  type: "version-published",
  dataset: "prices",
  number,
  parent: null,
  content: {
    base: { parts: [], layers: [] },
    overlay: null,
    contentHash: String(number).repeat(64),
    items: 1,
  },
  origin: { source: null, bytesHash: String(number).repeat(64) },
  difference: { added: 1, removed: 0, changed: 0, unchanged: 0, examples: [] },
  warnings: [],
  changes: null,
  quarantinedChanges: null,
  live: number === 1,
});

function startedOf(its: Plan): NamespaceState {
  const events: readonly Event[] = [
    { type: "dataset-created", dataset: "prices", policy: "canary", plan: its, checks: [] },
    version(1),
    version(2),
    {
      type: "release-started",
      release: id,
      dataset: "prices",
      salt: "salt",
      plan: its,
      thousandths: 1_000,
      acceptQuarantined: false,
    },
  ];
  return events.reduce((state, event) => take(state, event, startMs), emptyState);
}

function take(state: NamespaceState, event: Event, at: number): NamespaceState {
  return evolve(state, { sequence: state.sequence + 1, at, by: anna, event });
}

/** Decides and folds; the names of the events, none where nothing changed. */
function given(
  state: NamespaceState,
  command: Command,
  afterMs: number,
  by: typeof anna | typeof guard = anna,
): { readonly state: NamespaceState; readonly events: readonly string[] } {
  const decision = decide(state, { by, command }, startMs + afterMs);
  const decided = decision.kind === "events" ? decision.events : [];
  let after = state;
  for (const each of decided) {
    after = evolve(after, { sequence: after.sequence + 1, at: startMs + afterMs, by: each.by, event: each.event });
  }
  return { state: after, events: decided.map(({ event }) => event.type) };
}

function releaseIn({ releases }: NamespaceState): ReleaseState {
  const release = releases[id];
  if (release === undefined) throw new Error("the release is there");
  return release;
}

test("an open promotion test takes no step before its hold is over", () => {
  const state = startedOf(plan);
  expect(given(state, provenAt(1), holdMs - 1).events).toEqual([]);
  expect(given(state, provenAt(1), holdMs).events).toEqual(["percentage-set"]);
});

test("proof of an earlier step proves nothing at this one", () => {
  const at5 = given(startedOf(plan), provenAt(1), holdMs).state;
  expect(given(at5, provenAt(1), holdMs + 4_000).events).toEqual([]);
  expect(given(at5, provenAt(2), holdMs + 4_000).events).toEqual(["release-promoted"]);
});

test("a step that waits in vain for the promotion test is held by its plan, once, and goes on when the test opens", () => {
  const state = startedOf(plan);
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
  const state = startedOf({ ...plan, promotion: { waitMaxMs, otherwise: "proceed" } });
  expect(given(state, tick, holdMs + waitMaxMs - 1).events).toEqual([]);
  const on = decide(state, { by: anna, command: tick }, startMs + holdMs + waitMaxMs);
  expect(on).toMatchObject({
    events: [{ by: { kind: "plan" }, event: { type: "percentage-set", thousandths: 5_000, evidence: null } }],
  });
});

test("a person who resumes what the plan holds for want of evidence takes its next step", () => {
  const held = given(startedOf(plan), tick, holdMs + waitMaxMs).state;
  const resume: Command = { type: "resume", release: id, reason: "we looked ourselves" };
  expect(given(held, resume, holdMs + waitMaxMs + 1).events).toEqual(["release-resumed", "percentage-set"]);
});

test("the guard takes back no hold of the plan, and no hold of another of its rules", () => {
  const held = given(startedOf(plan), tick, holdMs + waitMaxMs).state;
  const resume: Command = { type: "resume", release: id, reason: "the evidence faded" };
  expect(given(held, resume, holdMs + waitMaxMs + 1, guard).events).toEqual([]);
  const vanished = { kind: "guard", name: "vanished" } as const;
  const state = startedOf(plan);
  const hold = decide(state, { by: vanished, command: { type: "hold", release: id, cause } }, startMs);
  if (hold.kind !== "events") throw new Error("it is held");
  const [first] = hold.events;
  if (first === undefined) throw new Error("it is held");
  const other = evolve(state, { sequence: state.sequence + 1, at: startMs, by: vanished, event: first.event });
  expect(given(other, resume, 1, guard).events).toEqual([]);
});

test("while the guard is off a plan takes no step, and goes on at its own pace when it is on again", () => {
  const off = given(
    startedOf(plan),
    { type: "guard-off", release: id, forMs: 10_000, reason: "a known fault" },
    0,
  ).state;
  expect(given(off, provenAt(1), 9_999).events).toEqual([]);
  const on = given(off, provenAt(1), 10_000);
  expect(on.events).toEqual(["guard-on"]);
  expect(releaseIn(on.state).guardOff).toBeNull();
  expect(given(on.state, provenAt(1), 10_001).events).toEqual(["percentage-set"]);
});

test("the time of a guard that is off is counted by the clock that does not jump", () => {
  const off = given(
    startedOf(plan),
    { type: "guard-off", release: id, forMs: 10_000, reason: "a known fault" },
    0,
  ).state;
  const ticked = (elapsedMs: number): Command => ({
    type: "tick",
    guardOff: { [id]: { stepSince: startMs, elapsedMs } },
  });
  expect(given(off, ticked(9_999), 3_600_000).events).toEqual([]);
  expect(given(off, ticked(10_000), -3_600_000).events).toEqual(["guard-on"]);
});

test("a bake lasts as long as its plan says, and not a millisecond less", () => {
  const baking = given(startedOf(plan), { type: "promote", release: id, epoch: null }, 0).state;
  expect(given(baking, tick, plan.bakeMs - 1).events).toEqual([]);
  expect(given(baking, tick, plan.bakeMs).events).toEqual(["release-completed"]);
});

test("a bake ends although the guard is off: nothing is left to hold back", () => {
  const baking = given(startedOf(plan), { type: "promote", release: id, epoch: null }, 0).state;
  const off = given(baking, { type: "guard-off", release: id, forMs: 60_000, reason: "a known fault" }, 1).state;
  expect(given(off, tick, plan.bakeMs).events).toEqual(["release-completed"]);
});

test("a guard that is off neither reverts nor holds; people and alerts do, and what was announced is appended", () => {
  const off = given(
    startedOf(plan),
    { type: "guard-off", release: id, forMs: 60_000, reason: "a known fault" },
    0,
  ).state;
  const revert: Command = { type: "revert", target: { release: id }, cause };
  expect(given(off, revert, 1, guard).events).toEqual([]);
  expect(given(off, { ...revert, target: { dataset: "prices" } }, 1, guard).events).toEqual([]);
  expect(given(off, { type: "hold", release: id, cause }, 1, guard).events).toEqual([]);
  expect(given(off, revert, 1).events).toEqual(["release-reverted"]);
  expect(given(off, { ...revert, announced: true }, 1, guard).events).toEqual(["release-reverted"]);
});

test.each([999, 43_200_001, 1_000.5])("a guard is not turned off for %d ms", (forMs) => {
  const decision = decide(
    startedOf(plan),
    { by: anna, command: { type: "guard-off", release: id, forMs, reason: "a known fault" } },
    startMs,
  );
  expect(decision).toMatchObject({ kind: "rejected", code: "VALIDATION" });
});
