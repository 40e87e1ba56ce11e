import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import { evolve } from "./evolve.ts";
import type { Event, LoggedEvent } from "./event.ts";
import type { NamespaceState, ReleaseState } from "./state.ts";
import { endedReleasesMax, isActive } from "./state.ts";
import {
  after,
  asked,
  ben,
  carryOut,
  hashOf,
  noon,
  publishOf,
  reason,
  release,
  restoreOf,
  running,
  sample,
  startOf,
} from "./sample-release.testing.ts";

const later = noon + 60_000;
const releaseOf = (state: NamespaceState): ReleaseState | undefined => state.releases[release];
const patch: Extract<Command, { type: "patch" }> = {
  type: "patch",
  dataset: "prices",
  stable: { contentHash: hashOf(7), items: 3 },
  candidate: { contentHash: hashOf(8), items: 4 },
  delta: { set: [["a", "1"]], remove: [] },
  candidateDelta: null,
  differingKeys: [],
  bothLines: false,
};

function rebaseOf(publish: number, number: number): Command {
  const base = { parts: [], layers: [] };
  return { type: "rebase", dataset: "prices", publish, number, base, contentHash: hashOf(1), items: 1 };
}

function revertOf(dataset: string): Command {
  return { type: "revert", target: { dataset }, cause: reason };
}

function revertAll(state: NamespaceState, content: number): NamespaceState {
  return after(state, publishOf(content, { request: asked }), revertOf("prices"));
}

function revertListed(state: NamespaceState, content: number): NamespaceState {
  return after(state, publishOf(content, { changes: `blob-${content}`, request: asked }), revertOf("prices"));
}

function at(state: NamespaceState, event: Event): () => unknown {
  const logged = { sequence: state.sequence + 1, at: noon, by: ben, event };
  return () => evolve(state, logged);
}

function lift(publish: number, keys: readonly string[] | null): Command {
  return { type: "lift-quarantine", dataset: "prices", publish, keys, reason: "mended" };
}

test("an event that does not follow the last one is a mistake, and stops at once", () => {
  const { sequence } = sample();
  const event = { type: "release-completed", release } as const;
  const numbered = (number: number): LoggedEvent => ({ sequence: number, at: noon, by: ben, event });
  expect(() => evolve(sample(), numbered(sequence))).toThrow(/follows/);
  expect(() => evolve(sample(), numbered(sequence + 2))).toThrow(/follows/);
  expect(() => evolve(sample(), numbered(sequence + 1))).toThrow(/release-2 exists/);
});

test("an event of what is not there is a mistake, and stops at once", () => {
  const stable = { number: 9, contentHash: hashOf(9), items: 1 };
  const patched = {
    type: "patched",
    dataset: "prices",
    stable,
    candidate: null,
    delta: patch.delta,
    candidateDelta: null,
  } as const;
  expect(at(sample(), { ...patched, dataset: "x" })).toThrow(/dataset x exists/);
  expect(at(sample(), { ...patched, candidate: stable })).toThrow(/a line that exists/);
  expect(at(sample(), { ...patched, dataset: "stock" })).toThrow(/a line that exists/);
  const { plan } = running().releases[release] ?? {};
  if (plan === undefined) throw new Error("no plan");
  const started = {
    type: "release-started",
    release,
    salt: "s",
    plan,
    thousandths: 1,
    acceptQuarantined: false,
  } as const;
  for (const dataset of ["prices", "stock"]) {
    expect(at(sample(), { ...started, dataset })).toThrow(/between two lines/);
  }
});

test("a release that has lost its candidate does not end as if nothing were wrong", () => {
  const { type: _type, stable: _stable, line: _line, ...restored } = restoreOf();
  const sequence = running().sequence + 1;
  const event: Event = { type: "version-restored", number: 3, ...restored };
  const without = evolve(running(), { sequence, at: noon, by: ben, event });
  expect(at(without, { type: "release-completed", release })).toThrow(/a candidate line/);
});

test("an alert that came in changes nothing of who sees what", () => {
  const before = running();
  const alert = {
    type: "record-alert",
    name: "a",
    status: "firing",
    labels: {},
    action: "none",
    release: null,
  } as const;
  const { sequence, controlSequence, ...rest } = before;
  expect(after(before, alert)).toEqual({ ...rest, sequence: sequence + 1, controlSequence: controlSequence + 1 });
});

test("patches move the sequence and not the control sequence", () => {
  const before = running();
  const state = after(before, patch);
  expect(state).toMatchObject({ sequence: before.sequence + 1, controlSequence: before.controlSequence });
  expect(before.controlSequence).toBe(before.sequence);
});

test("a patch gives each line a number of its own, and leaves alone where they come from", () => {
  const { stable, candidate, lastNumber } = after(running(), patch).datasets["prices"] ?? {};
  expect(lastNumber).toBe(4);
  expect(stable).toMatchObject({ publish: 1, number: 3, contentHash: hashOf(7), items: 3, publishedAt: noon });
  expect(candidate).toMatchObject({
    publish: 2,
    number: 4,
    contentHash: hashOf(8),
    items: 4,
    origin: { bytesHash: hashOf(2) },
  });
  const alone = after(sample(), { ...patch, candidate: null }).datasets["prices"];
  expect(alone).toMatchObject({ lastNumber: 2, candidate: null, stable: { number: 2 } });
});

test("a step is another epoch, counts its hold anew and says whose it is; a resume counts anew and is the same epoch", () => {
  const set = carryOut(
    running(),
    { type: "set-percentage", release, thousandths: 5_000, epoch: null },
    ben,
    later,
  ).state;
  expect(releaseOf(set)).toMatchObject({
    epoch: 2,
    stepSince: later,
    stepBy: ben,
    thousandths: 5_000,
    phase: "running",
  });
  expect(releaseOf(set)?.hold).toMatchObject({ by: ben, at: later });
  const resumed = carryOut(set, { type: "resume", release, reason: "seen" }, ben, later + 1).state;
  expect(releaseOf(resumed)).toMatchObject({ epoch: 2, stepSince: later + 1, hold: null });
});

test("who promotes shows everybody the candidate, in another epoch and without a hold", () => {
  const held = after(running(), { type: "hold", release, cause: reason });
  const promoted = carryOut(held, { type: "promote", release, epoch: 1 }, ben, later).state;
  expect(releaseOf(promoted)).toMatchObject({
    phase: "baking",
    thousandths: 100_000,
    epoch: 2,
    stepSince: later,
    hold: null,
  });
});

test("what is completed is stable since everybody saw it, by who showed it to them", () => {
  const carol = { kind: "person", name: "carol" } as const;
  const baking = carryOut(running(), { type: "promote", release, epoch: null }, carol, later).state;
  const completed = carryOut(baking, { type: "promote", release, epoch: null }, ben, later + 5).state;
  expect(completed.datasets["prices"]).toMatchObject({
    release: null,
    candidate: null,
    stable: { publish: 2 },
    stableSince: { at: later, by: carol },
    quarantine: [],
  });
  expect(releaseOf(completed)).toMatchObject({ phase: "completed", ended: { at: later + 5, by: ben } });
});

test("what is reverted leaves a mark with its bytes and its changes, and ends its hold and its guard's time off", () => {
  const state = after(
    sample(),
    publishOf(2, { request: asked, changes: "blob" }),
    { type: "guard-off", release, forMs: 60_000, reason: "x" },
    { type: "hold", release, cause: reason },
  );
  expect(releaseOf(state)?.guardOff).toEqual({ by: ben, at: noon, until: noon + 60_000, reason: "x" });
  const reverted = carryOut(state, { type: "revert", target: { release }, cause: reason }, ben, later).state;
  expect(reverted.datasets["prices"]?.quarantine).toEqual([
    {
      publish: 2,
      release,
      at: later,
      by: ben,
      reason: reason.reason,
      bytesHash: hashOf(2),
      changes: "blob",
      liftedKeys: [],
    },
  ]);
  expect(releaseOf(reverted)).toMatchObject({
    phase: "reverted",
    hold: null,
    guardOff: null,
    ended: { at: later, cause: reason },
  });
});

test("keys are lifted together with those that were lifted before, and a mark that is lifted whole is gone, no other", () => {
  const marked = revertAll(revertAll(sample(), 2), 3);
  const some = after(marked, lift(2, ["a", "b"]), lift(2, ["b", "c"]));
  expect(some.datasets["prices"]?.quarantine).toMatchObject([
    { publish: 2, liftedKeys: ["a", "b", "c"] },
    { publish: 3, liftedKeys: [] },
  ]);
  expect(after(some, lift(2, null)).datasets["prices"]?.quarantine).toMatchObject([{ publish: 3 }]);
  expect(carryOut(some, lift(9, null)).decision).toMatchObject({ kind: "unchanged", number: 9 });
});

test("a version that is held for changes of a mark is free with the mark, and with the last one where it may share some with several", () => {
  const quarantinedChanges = { count: 48, of: 50, publish: 2 };
  const start = startOf("release-9");
  const heldFor = (state: NamespaceState): NamespaceState => after(state, publishOf(9, { quarantinedChanges }));
  const one = heldFor(revertListed(sample(), 2));
  expect(carryOut(one, start).decision).toMatchObject({ code: "QUARANTINED_CHANGES", details: quarantinedChanges });
  expect(carryOut(after(one, lift(2, ["a"])), start).decision).toMatchObject({
    message: expect.stringMatching(/were in v2, which is lifted since for some keys; publish it again/),
  });
  expect(carryOut(after(one, lift(2, null)), start).types).toEqual(["release-started"]);

  const two = heldFor(revertListed(revertListed(sample(), 2), 3));
  expect(after(two, lift(3, null)).datasets["prices"]?.candidate).toMatchObject({ quarantinedChanges });
  const left = after(two, lift(2, null));
  expect(carryOut(left, start).decision).toMatchObject({
    code: "QUARANTINED_CHANGES",
    message: expect.stringMatching(/were in v2, which is lifted since; publish it again/),
  });
  // A mark without a list of changes shares none.
  const listless = heldFor(revertAll(revertListed(sample(), 2), 3));
  expect(carryOut(after(listless, lift(2, null)), start).types).toEqual(["release-started"]);
});

test("a version that was started with reverted changes keeps what was said of it when their mark is lifted", () => {
  const quarantinedChanges = { count: 1, of: 1, publish: 2 };
  const accepted = publishOf(3, { quarantinedChanges, request: { ...asked, acceptQuarantined: true } });
  const state = after(revertAll(sample(), 2), accepted, lift(2, null));
  expect(state.datasets["prices"]?.candidate).toMatchObject({ quarantinedChanges });
});

test("the state forgets the releases that ended first, of the same moment the one that started first, and none that is active", () => {
  const first = publishOf(1, { dataset: "stock", comparedWith: null, parent: null });
  const second = publishOf(2, { dataset: "stock", request: asked, draw: { release: "stock-2", salt: "salt" } });
  let state = after(sample(), first, second);
  for (let count = 0; count < endedReleasesMax; count += 1) {
    state = after(state, publishOf(count + 2, { request: asked }));
    state = carryOut(state, revertOf("prices"), ben, noon + Math.floor(count / 2)).state;
  }
  expect(Object.keys(state.releases)).toHaveLength(endedReleasesMax + 1);
  // The one that started before all of them ends last, and so it stays.
  state = carryOut(state, revertOf("stock"), ben, noon + endedReleasesMax).state;
  expect(Object.keys(state.releases)).toHaveLength(endedReleasesMax);
  expect(state.releases).not.toHaveProperty("release-2");
  for (const kept of ["release-3", "stock-2"]) expect(state.releases).toHaveProperty(kept);
  expect(Object.values(state.releases).filter(isActive)).toEqual([]);
});

test("what is superseded leaves no mark, since nobody took it back", () => {
  const state = after(running(), publishOf(3, { request: { ...asked, supersede: true } }));
  expect(releaseOf(state)).toMatchObject({ phase: "superseded", ended: { by: ben } });
  expect(state.datasets["prices"]).toMatchObject({ release: "release-3", quarantine: [], stable: { publish: 1 } });
});

test("a line stands on other files where it was at that version, whichever of the two it is, and nowhere else", () => {
  const state = after(running(), patch);
  const rebase = (publish: number, number: number): string => carryOut(state, rebaseOf(publish, number)).decision.kind;
  expect(carryOut(state, rebaseOf(9, 9)).decision).toMatchObject({ kind: "unchanged", number: 9 });
  // The stable line went from v1 to v3, the candidate line from v2 to v4.
  expect([rebase(1, 1), rebase(1, 3), rebase(2, 2), rebase(2, 4)]).toEqual(["events", "events", "events", "events"]);
  expect([rebase(1, 0), rebase(1, 4), rebase(2, 1), rebase(2, 5), rebase(9, 9)]).toEqual(Array(5).fill("unchanged"));
});

test("a patch of nothing changes nothing, and one of either line alone is one", () => {
  const nothing = { set: [], remove: [] };
  const removal = { set: [], remove: ["a"] };
  expect(carryOut(running(), { ...patch, delta: nothing }).decision).toMatchObject({
    kind: "unchanged",
    number: 1,
  });
  expect(carryOut(running(), { ...patch, delta: nothing, candidateDelta: nothing }).logged).toEqual([]);
  expect(carryOut(running(), { ...patch, delta: removal }).logged).toHaveLength(1);
  expect(carryOut(running(), { ...patch, delta: nothing, candidateDelta: removal }).logged).toHaveLength(1);
  const differing = { ...patch, differingKeys: ["a"], bothLines: true };
  expect(carryOut(running(), differing).logged).toHaveLength(1);
});

test("what was held and resumed in its bake is what everybody sees since the promotion, not since the resume", () => {
  const promote: Command = { type: "promote", release, epoch: null };
  const baking = carryOut(running(), promote, ben, later).state;
  const held = carryOut(baking, { type: "hold", release, cause: reason }, ben, later + 1).state;
  const eve = { kind: "person", name: "eve" } as const;
  const resumed = carryOut(held, { type: "resume", release, reason: "seen" }, eve, later + 2).state;
  expect(releaseOf(resumed)).toMatchObject({ stepSince: later + 2, setAt: later, stepBy: ben });
  const completed = carryOut(resumed, promote, eve, later + 3).state;
  expect(completed.datasets["prices"]?.stableSince).toEqual({ at: later, by: ben });
});

test("who looked at an old step is told when the percentage was set, not when the plan was resumed", () => {
  const set: Command = { type: "set-percentage", release, thousandths: 5_000, epoch: null };
  const state = carryOut(running(), set, ben, later).state;
  const resumed = carryOut(state, { type: "resume", release, reason: "seen" }, ben, later + 2).state;
  expect(carryOut(resumed, { ...set, thousandths: 7_000, epoch: 1 }).decision).toMatchObject({
    code: "CONFLICT",
    details: { at: later },
  });
});
