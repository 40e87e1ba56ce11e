import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import type { Actor } from "./event.ts";
import { defaultPlan } from "./plan.ts";
import {
  after,
  asked,
  ben,
  carryOut,
  feed,
  guard,
  noon,
  publishOf,
  reason,
  release,
  running,
  sample,
  startOf,
} from "./sample-release.testing.ts";
import type { NamespaceState } from "./state.ts";

const alert: Actor = { kind: "alert", name: "PaymentsFail" };
const revert: Command = { type: "revert", target: { dataset: "prices" }, cause: reason };
const promote: Command = { type: "promote", release, epoch: null };
const hold: Command = { type: "hold", release, cause: reason };
const resume: Command = { type: "resume", release, reason: "seen" };
const set = (thousandths: number, epoch: number | null = null): Command => ({
  type: "set-percentage",
  release,
  thousandths,
  epoch,
});
const off = (forMs: number): Command => ({ type: "guard-off", release, forMs, reason: "a known fault" });
const typesOf = (state: NamespaceState, command: Command, by: Actor = ben): readonly string[] =>
  carryOut(state, command, by).types;

test("a revert is answered with the one before it for five minutes, and not a millisecond longer", () => {
  const reverted = after(running(), revert);
  const again = { kind: "unchanged", release, number: 1 };
  for (const command of [revert, { ...revert, target: { release } }] as const) {
    expect(carryOut(reverted, command, ben, noon + 300_000).decision).toMatchObject(again);
    expect(carryOut(reverted, command, ben, noon + 300_001).decision).toMatchObject({ code: "NOTHING_TO_REVERT" });
    // Another origin's clock may be behind.
    expect(carryOut(reverted, command, ben, noon - 300_001).decision).toMatchObject(again);
  }
});

test("the release of a dataset that ended last is the one that a revert is about", () => {
  const reverted = after(running(), revert);
  const second = carryOut(reverted, publishOf(3, { request: asked }), ben, noon + 1).state;
  const third = { ...promote, release: "release-3" };
  const completed = carryOut(carryOut(second, third, ben, noon + 2).state, third, ben, noon + 3).state;
  expect(carryOut(completed, revert, ben, noon + 4).decision).toMatchObject({ code: "NOTHING_TO_REVERT" });
  const both = carryOut(second, revert, ben, noon + 2).state;
  expect(carryOut(both, revert, ben, noon + 4).decision).toMatchObject({ kind: "unchanged", release: "release-3" });
  // A clock that was set back between the two does not change which it is.
  const early = carryOut(carryOut(second, third, ben, noon - 7_200_000).state, third, ben, noon - 7_200_000).state;
  expect(carryOut(early, revert, ben, noon - 7_200_000).decision).toMatchObject({ code: "NOTHING_TO_REVERT" });
  const elsewhere = { ...revert, target: { dataset: "stock" } } as const;
  expect(carryOut(both, elsewhere, ben, noon + 4).decision).toMatchObject({ code: "NOTHING_TO_REVERT" });
});

test("a release that nobody knows is not reverted, and one that has ended says how and by whom", () => {
  const unknown: Command = { ...revert, target: { release: "release-9" } };
  expect(carryOut(running(), unknown).decision).toMatchObject({ code: "RELEASE_UNKNOWN" });
  const completed = after(running(), promote, promote);
  expect(carryOut(completed, hold).decision).toMatchObject({
    code: "RELEASE_ENDED",
    message: "the release of v2 of prices is completed, by person ben: the bake is over",
  });
  expect(carryOut(completed, revert).decision).toHaveProperty(
    "message",
    "nothing runs or bakes on prices: v2 is stable since 2026-11-11T12:00:00.000Z, by person ben",
  );
  expect(carryOut(completed, { ...revert, target: { dataset: "stock" } }).decision).toHaveProperty(
    "message",
    "nothing runs or bakes on stock: stock has no version yet",
  );
});

test("a percentage that is in force changes nothing, and everybody is a promotion", () => {
  expect(carryOut(running(), set(1_000)).decision).toMatchObject({ kind: "unchanged", release });
  expect(carryOut(running(), set(100_000)).logged).toMatchObject([
    { event: { type: "release-promoted", evidence: null } },
  ]);
  const baking = after(running(), promote);
  expect(carryOut(baking, set(100_000)).decision).toMatchObject({ kind: "unchanged", release });
  expect(typesOf(running(), set(0))).toEqual(["percentage-set", "release-held"]);
});

test("who looked at the step in force may move it, by percentage or to everybody; who looked at another may not", () => {
  expect(typesOf(running(), set(5_000, 1))).toEqual(["percentage-set", "release-held"]);
  expect(typesOf(running(), { ...promote, epoch: 1 })).toEqual(["release-promoted"]);
  expect(carryOut(running(), { ...promote, epoch: 2 }).decision).toMatchObject({ code: "CONFLICT" });
});

test("a plan that does not run by itself is not held by a percentage, and one that a person holds is not held twice", () => {
  const plan = { ...defaultPlan, automatic: false };
  const manual = after(sample(), publishOf(2), startOf(release, { publish: 2, plan }));
  expect(typesOf(manual, set(5_000))).toEqual(["percentage-set"]);
  expect(typesOf(after(running(), hold), set(5_000))).toEqual(["percentage-set"]);
  expect(typesOf(carryOut(running(), hold, guard).state, set(5_000))).toEqual(["percentage-set", "release-held"]);
});

test("what is not held is not resumed, and what is held stays so for whoever may not end it", () => {
  expect(carryOut(running(), resume).decision).toMatchObject({ kind: "unchanged", release });
  const held = after(running(), hold);
  expect(carryOut(held, resume, guard).decision).toMatchObject({ kind: "unchanged", release });
  expect(carryOut(held, hold).decision).toMatchObject({ kind: "unchanged", release });
  expect(typesOf(held, resume)).toEqual(["release-resumed"]);
});

const overruled = (state: NamespaceState): unknown => state.releases[release]?.overruled;

const held = {
  plan: (): NamespaceState => {
    const waiting = { ...defaultPlan, promotion: { waitMaxMs: 0, otherwise: "hold" } } as const;
    const planned = after(sample(), publishOf(2), startOf(release, { publish: 2, plan: waiting }));
    return carryOut(planned, { type: "tick" }, ben, noon + 86_400_000).state;
  },
  guard: (): NamespaceState => carryOut(running(), hold, guard).state,
  alert: (): NamespaceState => carryOut(running(), hold, alert).state,
  person: (): NamespaceState => after(running(), hold),
};

test("a hold is taken over from the plan by all others, from the guard by an alert, and by a person from all but people", () => {
  const takers = {
    plan: [guard, { ...guard, name: "vanished" }, alert, ben],
    guard: [alert, ben],
    alert: [ben],
    person: [],
  };
  for (const holder of ["plan", "guard", "alert", "person"] as const) {
    const state = held[holder]();
    expect(state.releases[release]?.hold?.by.kind).toBe(holder);
    for (const by of [ben, { ...ben, name: "eve" }, alert, { ...alert, name: "refused" }, guard, feed]) {
      const takes = takers[holder].some(({ kind }) => kind === by.kind);
      expect([holder, by, typesOf(state, hold, by)]).toEqual([holder, by, takes ? ["release-held"] : []]);
    }
  }
});

test("a person's hold of what an alert holds does not end with the alert", () => {
  const both = after(held.alert(), hold);
  expect(both.releases[release]?.hold?.by).toEqual(ben);
  expect(typesOf(both, resume, alert)).toEqual([]);
});

test("a percentage set by hand while the plan, the guard, an alert or a query holds pauses the plan in the person's name", () => {
  for (const holder of ["plan", "guard", "alert"] as const) {
    const { state, logged } = carryOut(held[holder](), set(5_000));
    expect([holder, logged.map(({ event }) => event.type)]).toEqual([holder, ["percentage-set", "release-held"]]);
    expect(state.releases[release]?.hold).toMatchObject({
      by: ben,
      cause: { reason: expect.stringMatching(/by hand/) },
    });
    expect(typesOf(state, resume, alert)).toEqual([]);
  }
});

test("a person who resumes what the guard suspects takes no step over it, although the plan had held before", () => {
  const suspected = carryOut(held.plan(), hold, guard).state;
  expect(suspected.releases[release]?.hold?.by).toEqual(guard);
  expect(typesOf(held.plan(), resume)).toEqual(["release-resumed", "percentage-set"]);
  expect(typesOf(suspected, resume)).toEqual(["release-resumed"]);
});

test("whose hold a person ended is remembered, at its last step, and nothing of what others or time ended", () => {
  const once = after(held.alert(), resume);
  expect(overruled(once)).toEqual([{ by: alert, epoch: 1 }]);
  const again = after(carryOut(after(once, set(5_000), resume), hold, alert).state, resume);
  expect(overruled(again)).toEqual([{ by: alert, epoch: 2 }]);
  const guarded = after(carryOut(again, hold, guard).state, promote);
  expect(overruled(guarded)).toEqual([
    { by: alert, epoch: 2 },
    { by: guard, epoch: 2 },
  ]);
  expect(overruled(carryOut(held.alert(), resume, alert).state)).toEqual([]);
  for (const holder of ["plan", "person"] as const) expect(overruled(after(held[holder](), resume))).toEqual([]);
});

test("an alert resumes its own hold, and neither another's nor one of somebody else who is called the same", () => {
  const held = carryOut(running(), hold, alert).state;
  expect(typesOf(held, resume, alert)).toEqual(["release-resumed"]);
  for (const by of [
    { ...alert, name: "Another" },
    { ...alert, kind: "guard" as const },
  ])
    expect(carryOut(held, resume, by).decision).toMatchObject({ kind: "unchanged", release });
});

test("a guard is off for a second at least and for twelve hours at most, and a second time takes the place of the first", () => {
  for (const forMs of [1_000, 43_200_000]) expect(typesOf(running(), off(forMs))).toEqual(["guard-off"]);
  for (const forMs of [999, 43_200_001, 1_000.5, Number.NaN])
    expect(carryOut(running(), off(forMs)).decision).toMatchObject({ code: "VALIDATION" });
  const twice = carryOut(after(running(), off(1_000)), off(5_000), ben, noon + 10).state;
  expect(twice.releases[release]?.guardOff).toMatchObject({ at: noon + 10, until: noon + 5_010 });
});

test("a guard that is on is not turned on, and one that is off is", () => {
  const on: Command = { type: "guard-on", release, reason: "seen" };
  expect(carryOut(running(), on).decision).toMatchObject({ kind: "unchanged", release });
  expect(typesOf(after(running(), off(1_000)), on)).toEqual(["guard-on"]);
});

test("what the guard wants while it is off comes to nothing, which is no error and names the release", () => {
  const state = after(carryOut(running(), hold, guard).state, off(60_000));
  for (const command of [hold, resume, revert])
    expect(carryOut(state, command, guard).decision).toMatchObject({ kind: "unchanged", release });
  expect(typesOf(state, { ...revert, announced: true }, guard)).toEqual(["release-reverted"]);
  expect(typesOf(state, resume)).toEqual(["release-resumed"]);
});

test("a held version starts where it was looked at, with another plan where one is given", () => {
  const held = after(sample(), publishOf(2));
  const start = startOf(release, { publish: 2 });
  expect(carryOut(held, start).logged).toMatchObject([
    { event: { type: "release-started", thousandths: 1_000, salt: "salt" } },
  ]);
  const plan = { ...defaultPlan, steps: [{ thousandths: 7, holdMs: 1 }] };
  expect(carryOut(held, { ...start, plan }).state.releases[release]).toMatchObject({ plan, thousandths: 7 });
  const marked = after(sample(), publishOf(2, { quarantinedChanges: { count: 1, of: 2, publish: 1 } }));
  expect(carryOut(marked, { ...start, acceptQuarantined: true }).logged).toMatchObject([
    { event: { type: "release-started", acceptQuarantined: true } },
  ]);
  // A plan without steps begins with nobody.
  expect(carryOut(held, { ...start, plan: { ...plan, steps: [] } }).state.releases[release]?.thousandths).toBe(0);
});
