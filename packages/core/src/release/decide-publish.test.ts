import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import type { NamespaceState } from "./state.ts";
import {
  after,
  asked,
  ben,
  carryOut,
  feed,
  hashOf,
  noon,
  publishOf,
  reason,
  running,
  sample,
} from "./sample-release.testing.ts";

const changes = { count: 3, of: 4, publish: 2 };
const typesOf = (state: NamespaceState, command: Command, by = ben): readonly string[] =>
  carryOut(state, command, by).types;
const held = (given: Parameters<typeof publishOf>[1] = {}): NamespaceState => after(sample(), publishOf(2, given));
const startOf = (thousandths: number | null): unknown =>
  carryOut(sample(), publishOf(2, { request: { ...asked, thousandths } })).logged.at(-1)?.event;
const saidOf = (state: NamespaceState, content: number): unknown => carryOut(state, publishOf(content)).decision;

test("a person who asks for the release of what is held starts it; a source that offers it again does not", () => {
  const again = publishOf(2, { request: asked });
  expect(typesOf(held(), again)).toEqual(["release-started"]);
  expect(carryOut(held(), again, feed).decision).toMatchObject({ kind: "unchanged", number: 2 });
  expect(carryOut(held(), publishOf(2)).decision).toMatchObject({ kind: "unchanged", number: 2 });
  // Another content is another version, whoever asks.
  expect(typesOf(held(), publishOf(3, { request: asked }))).toEqual(["version-published", "release-started"]);
});

test("what is held with changes that were reverted starts only for who has seen them", () => {
  const state = held({ quarantinedChanges: changes });
  const again = publishOf(2, { quarantinedChanges: changes, request: asked });
  expect(carryOut(state, again).decision).toMatchObject({ code: "QUARANTINED_CHANGES", details: changes });
  const accepted = { ...again, request: { ...asked, acceptQuarantined: true } };
  expect(typesOf(state, accepted)).toEqual(["release-started"]);
});

test("what is held with reverted changes is judged anew when it is published again with fewer of them, since marks were lifted", () => {
  const state = held({ quarantinedChanges: changes });
  const fewer = { ...changes, count: 2, publish: 7 };
  const counted = carryOut(state, publishOf(2, { quarantinedChanges: fewer, request: asked }));
  expect(counted.types).toEqual(["version-published"]);
  expect(counted.state.datasets["prices"]?.candidate).toMatchObject({ publish: 3, quarantinedChanges: fewer });
  expect(typesOf(state, publishOf(2, { request: asked }))).toEqual(["version-published", "release-started"]);
  expect(carryOut(state, publishOf(2, { request: asked }), feed).types).toEqual([
    "version-published",
    "release-started",
  ]);
  expect(typesOf(state, publishOf(2))).toEqual(["version-published"]);
  // As many in another version are as many, and that one is named.
  const others = { ...changes, publish: 7 };
  expect(carryOut(state, publishOf(2, { quarantinedChanges: others, request: asked })).decision).toMatchObject({
    code: "QUARANTINED_CHANGES",
    details: others,
  });
  expect(carryOut(state, publishOf(2, { quarantinedChanges: others })).decision.kind).toBe("unchanged");
  // What runs was started by who had seen them.
  const accepted = { ...asked, acceptQuarantined: true };
  const running = after(state, publishOf(2, { quarantinedChanges: changes, request: accepted }));
  expect(carryOut(running, publishOf(2)).decision).toMatchObject({ kind: "unchanged", number: 2 });
});

test("a release starts at the plan's first step, or where it was asked to, and not at what is no percentage", () => {
  expect(startOf(null)).toMatchObject({ type: "release-started", thousandths: 1_000 });
  expect(startOf(1_007)).toMatchObject({ type: "release-started", thousandths: 1_007 });
  // Below it the plan waits for whoever chose that.
  expect(startOf(7)).toMatchObject({ type: "release-held", release: "release-2", cause: { evidence: null } });
  expect(startOf(100_000)).toMatchObject({ type: "release-promoted", release: "release-2" });
  const wrong = publishOf(2, { request: { ...asked, thousandths: 100_001 } });
  expect(carryOut(sample(), wrong).decision).toMatchObject({ code: "VALIDATION" });
});

test("content that is there already changes nothing, and says where it is", () => {
  expect(saidOf(sample(), 1)).toMatchObject({
    kind: "unchanged",
    number: 1,
    message: expect.stringMatching(/stable$/),
  });
  expect(saidOf(held(), 2)).toMatchObject({ kind: "unchanged", number: 2, message: expect.stringMatching(/held$/) });
  expect(saidOf(running(), 2)).toMatchObject({ number: 2, message: expect.stringMatching(/being released$/) });
});

test("a version with changes that were reverted is kept and does not start by itself", () => {
  const request = asked;
  const published = carryOut(sample(), publishOf(2, { quarantinedChanges: changes, request }));
  expect(published.types).toEqual(["version-published"]);
  expect(published.state.datasets["prices"]?.candidate).toMatchObject({ publish: 2, quarantinedChanges: changes });
  const accepted = publishOf(2, { quarantinedChanges: changes, request: { ...request, acceptQuarantined: true } });
  expect(carryOut(sample(), accepted).logged.at(-1)?.event).toMatchObject({
    type: "release-started",
    acceptQuarantined: true,
  });
});

test("one that is to take the place of what runs ends it in the same append, by its number", () => {
  const { logged } = carryOut(running(), publishOf(3, { request: { ...asked, supersede: true } }));
  expect(logged.map(({ event }) => event)).toMatchObject([
    { type: "release-superseded", release: "release-2", reason: "superseded by v3" },
    { type: "version-published", number: 3, live: false, parent: 1 },
    { type: "release-started", release: "release-3", thousandths: 1_000 },
  ]);
});

test("a dataset that goes live at once does so, unless somebody asks for a release", () => {
  const first = publishOf(5, { dataset: "stock", comparedWith: null, parent: null });
  const live = carryOut(sample(), first);
  expect(live.logged.map(({ event }) => event)).toMatchObject([{ type: "version-published", live: true, number: 1 }]);
  const next = publishOf(6, { dataset: "stock" });
  expect(carryOut(live.state, next).logged).toMatchObject([{ event: { live: true } }]);
  expect(typesOf(live.state, { ...next, request: asked })).toEqual(["version-published", "release-started"]);
  expect(carryOut(live.state, next).state.datasets["stock"]).toMatchObject({
    candidate: null,
    stable: { publish: 2, contentHash: hashOf(6) },
    stableSince: { at: noon, by: ben },
  });
});

test("the publish that first fills a dataset is what everybody reads, although a release was asked for", () => {
  const first = publishOf(5, { dataset: "stock", comparedWith: null, parent: null, request: asked });
  expect(carryOut(sample(), first).logged).toMatchObject([{ event: { type: "version-published", live: true } }]);
});

test("a mark is known by any content that its line had, and by its bytes, and a lifted one by neither", () => {
  const reverted = after(running(), { type: "revert", target: { dataset: "prices" }, cause: reason });
  for (const command of [publishOf(5, { linesWithContent: [2] }), publishOf(2)])
    expect(carryOut(reverted, command).decision).toMatchObject({ code: "QUARANTINED" });
  expect(typesOf(reverted, publishOf(5, { linesWithContent: [1] }))).toEqual(["version-published"]);
  const lifted = after(reverted, {
    type: "lift-quarantine",
    dataset: "prices",
    publish: 2,
    keys: null,
    reason: "mended",
  });
  expect(typesOf(lifted, publishOf(2, { linesWithContent: [2] }))).toEqual(["version-published"]);
});
