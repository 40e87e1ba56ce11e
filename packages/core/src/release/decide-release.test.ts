import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import { decide } from "./decide.ts";
import type { Actor, Content } from "./event.ts";
import { evolve } from "./evolve.ts";
import type { Plan } from "./plan.ts";
import { defaultPlan } from "./plan.ts";
import { planOfPreset } from "./presets.ts";
import type { NamespaceState, ReleaseState } from "./state.ts";
import { activeRelease, emptyState } from "./state.ts";

const startMs = Date.UTC(2026, 10, 11);
const anna: Actor = { kind: "person", name: "anna" };
const guard: Actor = { kind: "guard", name: "comparative" };
const alert: Actor = { kind: "alert", name: "Slow" };
const release = "release-2";
const cause = { reason: "it hurts", evidence: null };
const hold: Command = { type: "hold", release, cause };
const resume: Command = { type: "resume", release, reason: "the evidence faded" };

function contentOf(content: number): Content {
  const contentHash = content.toString(16).padStart(64, "0");
  return {
    base: { parts: [{ name: contentHash, bytes: 1, items: 1, contentHash }], layers: [] },
    overlay: null,
    contentHash,
    items: 1,
  };
}

function publish(content: number, thousandths: number | null, stable: number | null): Command {
  return {
    type: "publish",
    dataset: "prices",
    content: contentOf(content),
    origin: { source: null, bytesHash: contentOf(content).contentHash },
    comparedWith: stable,
    parent: stable,
    difference: { added: 1, removed: 0, changed: 0, unchanged: 0, examples: [] },
    warnings: [],
    changes: null,
    linesWithContent: [],
    quarantinedChanges: null,
    request: { thousandths, supersede: false, acceptQuarantined: false },
    draw: { release: `release-${content}`, salt: "salt" },
  };
}

/** Carries out a command and gives the events that it made, none where nothing changed. */
function carryOut(
  state: NamespaceState,
  by: Actor,
  command: Command,
  nowMs: number = startMs,
): { state: NamespaceState; events: readonly string[] } {
  const decision = decide(state, { by, command }, nowMs);
  if (decision.kind === "rejected") throw new Error(`not accepted: ${decision.message}`);
  const list = decision.kind === "events" ? decision.events : [];
  let after = state;
  for (const each of list)
    after = evolve(after, { sequence: after.sequence + 1, at: nowMs, by: each.by, event: each.event });
  return { state: after, events: list.map(({ event }) => event.type) };
}

function running(thousandths: number | null, plan: Plan = { ...defaultPlan, promotion: null }): NamespaceState {
  const create: Command = {
    type: "create-dataset",
    dataset: "prices",
    policy: "canary",
    plan,
    checks: [],
  };
  let { state } = carryOut(emptyState, anna, create);
  state = carryOut(state, anna, publish(1, null, null)).state;
  return carryOut(state, anna, publish(2, thousandths, 1)).state;
}

const activeOf = (state: NamespaceState): ReleaseState | undefined => activeRelease(state, "prices");

test.each([anna, alert])(
  "a hold of the guard that $kind $name wants too does not end when the evidence fades",
  (by) => {
    const held = carryOut(running(5_000), guard, hold).state;
    const taken = carryOut(held, by, hold);
    expect(taken.events).toEqual(["release-held"]);
    expect(activeOf(taken.state)?.hold?.by).toEqual(by);
    expect(carryOut(taken.state, guard, resume).events).toEqual([]);
    expect(carryOut(taken.state, anna, resume).events).toEqual(["release-resumed"]);
  },
);

test("a hold of a person is not taken over, by an alert or the guard", () => {
  const held = carryOut(running(5_000), anna, hold).state;
  for (const by of [alert, guard, anna]) expect(carryOut(held, by, hold).events).toEqual([]);
});

test("a percentage that a person sets while the guard holds does not move on when the evidence fades", () => {
  const held = carryOut(running(5_000), guard, hold).state;
  const set = carryOut(held, anna, { type: "set-percentage", release, thousandths: 2_000, epoch: null });
  expect(set.events).toEqual(["percentage-set", "release-held"]);
  expect(carryOut(set.state, guard, resume).events).toEqual([]);
});

test("a release that starts with everybody bakes at once, however it was started", () => {
  const published = running(100_000);
  expect(activeOf(published)).toMatchObject({ phase: "baking", thousandths: 100_000 });
  const { state: reverted } = carryOut(published, anna, { type: "revert", target: { release }, cause });
  const held = carryOut(reverted, anna, {
    ...(publish(3, null, 1) as Extract<Command, { type: "publish" }>),
    request: null,
  }).state;
  const started = carryOut(held, anna, {
    type: "start-release",
    dataset: "prices",
    publish: 3,
    plan: null,
    thousandths: 100_000,
    acceptQuarantined: false,
    draw: { release: "release-3", salt: "salt" },
  });
  expect(started.events).toEqual(["release-started", "release-promoted"]);
  expect(activeOf(started.state)).toMatchObject({ phase: "baking", thousandths: 100_000 });
});

test("time that passed at another step brings none: a tick that waited behind a resume finds the hold counted anew", () => {
  const holdMs = defaultPlan.steps[0]?.holdMs ?? 0;
  const before = running(1_000);
  const elapsed = { [release]: { stepSince: startMs, elapsedMs: holdMs } };
  expect(carryOut(before, anna, { type: "tick", elapsed }, startMs).events).toEqual(["percentage-set"]);
  const held = carryOut(before, anna, hold, startMs + 1).state;
  const resumed = carryOut(held, anna, resume, startMs + holdMs).state;
  expect(carryOut(resumed, anna, { type: "tick", elapsed }, startMs + holdMs).events).toEqual([]);
});

test("a release that is started below its plan's first step stays there until a person resumes it", () => {
  for (const plan of [defaultPlan, planOfPreset("all-at-once"), { ...planOfPreset("all-at-once"), promotion: null }]) {
    const state = running(500, plan);
    expect(activeOf(state)?.hold).toMatchObject({ by: anna, cause: { reason: expect.stringMatching(/first step/) } });
    expect(carryOut(state, anna, { type: "tick" }, startMs + 86_400_000).events).toEqual([]);
  }
});

test("a release that is started at its plan's first step, above it or without a percentage is not held, nor one that goes by hand", () => {
  for (const thousandths of [null, 1_000, 2_000]) expect(activeOf(running(thousandths))?.hold).toBeNull();
  expect(activeOf(running(500, { ...defaultPlan, automatic: false }))?.hold).toBeNull();
});
