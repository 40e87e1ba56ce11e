import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import { datasetsMax, sourcesMax } from "./decide.ts";
import type { NamespaceState } from "./state.ts";
import {
  after,
  asked,
  carryOut,
  completed,
  feed,
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

const source = { id: "feed", url: "http://upstream.example/prices", intervalMs: 1_000, onNew: "hold" } as const;
const revert: Command = { type: "revert", target: { dataset: "prices" }, cause: reason };
const held = (): NamespaceState => after(sample(), publishOf(2));
const baking = (): NamespaceState => after(running(), { type: "promote", release, epoch: null });
const reverted = (): NamespaceState => after(running(), revert);
const start = startOf("release-9");
const changes = { count: 3, of: 4, publish: 2 };
const set: Command = { type: "set-percentage", release, thousandths: 5_000, epoch: null };
const lookedAt: Command = { ...set, epoch: 7 };

const refusals: readonly (readonly [
  what: string,
  state: () => NamespaceState,
  command: Command,
  code: string,
  details: object,
])[] = [
  ["a dataset that is not there", sample, { ...revert, target: { dataset: "x" } }, "DATASET_UNKNOWN", {}],
  [
    "a publish to a dataset that is not there",
    sample,
    publishOf(2, { dataset: "x" }),
    "DATASET_UNKNOWN",
    { datasets: ["prices", "stock"] },
  ],
  [
    "a source that is not there",
    sample,
    { type: "remove-source", dataset: "prices", source: "x" },
    "SOURCE_UNKNOWN",
    { sources: [] },
  ],
  ["a start while one runs", running, start, "RELEASE_RUNNING", { release }],
  ["a start of nothing", sample, start, "NOTHING_HELD", { stable: 1 }],
  ["a start of what is not held any more", held, { ...start, publish: 9 }, "CONFLICT", { held: 2 }],
  [
    "a start of changes that were reverted",
    () => after(sample(), publishOf(2, { quarantinedChanges: changes })),
    start,
    "QUARANTINED_CHANGES",
    changes,
  ],
  ["a percentage above everybody", running, { ...set, thousandths: 100_001 }, "VALIDATION", { thousandths: 100_001 }],
  ["a percentage below nobody", running, { ...set, thousandths: -1 }, "VALIDATION", { thousandths: -1 }],
  ["a percentage finer than a thousandth", running, { ...set, thousandths: 0.5 }, "VALIDATION", { thousandths: 0.5 }],
  [
    "a percentage of a step that is over",
    running,
    lookedAt,
    "CONFLICT",
    { epoch: 1, thousandths: 1_000, by: { kind: "person", name: "ben" }, at: noon },
  ],
  ["a lower percentage in the bake", baking, set, "RELEASE_BAKING", { release }],
  ["a percentage of what has ended", completed, set, "RELEASE_ENDED", { release, phase: "completed" }],
  [
    "a guard that is off for too long",
    running,
    { type: "guard-off", release, forMs: 43_200_001, reason: "x" },
    "VALIDATION",
    { guardOffMsMax: 43_200_000 },
  ],
  ["a revert of nothing", completed, revert, "NOTHING_TO_REVERT", { stable: 2, since: noon }],
  [
    "a revert of what has no version",
    sample,
    { ...revert, target: { dataset: "stock" } },
    "NOTHING_TO_REVERT",
    { stable: null, since: null },
  ],
  ["a publish beside a release", running, publishOf(3), "RELEASE_RUNNING", { release, publish: 2, thousandths: 1_000 }],
  ["a publish beside a bake", baking, publishOf(3), "RELEASE_BAKING", { release }],
  [
    "a publish that was compared with what is not stable any more",
    completed,
    publishOf(3),
    "CONFLICT",
    { stable: 2, comparedWith: 1 },
  ],
  [
    "a publish of a reverted content",
    reverted,
    publishOf(5, { linesWithContent: [1, 2] }),
    "QUARANTINED",
    { publish: 2, release, revertedAt: noon },
  ],
  ["a publish of reverted bytes", reverted, publishOf(2), "QUARANTINED", { publish: 2, release, revertedAt: noon }],
  [
    "a publish of reverted changes in the place of what runs",
    running,
    publishOf(3, { quarantinedChanges: changes, request: { ...asked, supersede: true } }),
    "QUARANTINED_CHANGES",
    changes,
  ],
  ["a patch of what differs", running, patchOf({ differingKeys: ["a"] }), "LINES_DIFFER", { keys: ["a"] }],
  ["a restore against what is not stable any more", completed, restoreOf({ stable: 1 }), "CONFLICT", { stable: 2 }],
  [
    "a restore of a reverted line",
    reverted,
    restoreOf({ stable: 1, restored: 2, line: 2 }),
    "QUARANTINED",
    { publish: 2, release, revertedAt: noon },
  ],
];

function add(id: string): Command {
  return { type: "add-source", dataset: "prices", source: { ...source, id } };
}

function refuse(given: Partial<Extract<Command, { type: "refuse-publish" }>> = {}): Command {
  return {
    type: "refuse-publish",
    dataset: "prices",
    code: "CHECK_REFUSED",
    message: "half of the prices are 0",
    findings: [],
    origin: { source: "feed", bytesHash: hashOf(8) },
    ...given,
  };
}

function patchOf(given: Partial<Extract<Command, { type: "patch" }>>): Command {
  const position = { contentHash: hashOf(7), items: 1 };
  return {
    type: "patch",
    dataset: "prices",
    stable: position,
    candidate: null,
    delta: { set: [["a", "1"]], remove: [] },
    candidateDelta: null,
    differingKeys: [],
    bothLines: false,
    ...given,
  };
}

test.each(refusals)("%s is refused, with what the caller has to know", (_what, state, command, code, details) => {
  expect(carryOut(state(), command).decision).toMatchObject({ kind: "rejected", code });
  expect(carryOut(state(), command).decision).toHaveProperty("details", details);
});

test("a refusal says percentages and counts as people write them", () => {
  expect(carryOut(running(), { ...set, thousandths: 100_001 }).decision).toMatchObject({
    message: "a percentage is 0 to 100 in steps of 0.001, not 100.001",
  });
  const quarantinedChanges = { count: 9_700, of: 10_000, publish: 2 };
  const state = after(reverted(), publishOf(3, { quarantinedChanges }));
  expect(carryOut(state, start).decision).toMatchObject({
    message: "9,700 of 10,000 changes to prices were in reverted v2; start it with --accept-quarantined",
  });
});

test("a namespace has a limit of datasets, and a dataset of sources", () => {
  let state = sample();
  const { plan } = state.datasets["prices"] ?? {};
  if (plan === undefined) throw new Error("no plan");
  const create = (dataset: string): Command => ({
    type: "create-dataset",
    dataset,
    policy: "canary",
    plan,
    checks: [],
  });
  for (let count = 2; count < datasetsMax; count += 1) state = after(state, create(`d${count}`));
  expect(carryOut(state, create("more")).decision).toMatchObject({ code: "LIMIT_EXCEEDED", details: { datasetsMax } });
  expect(carryOut(state, create("prices")).decision).toMatchObject({ code: "DATASET_EXISTS" });
  const { decision } = carryOut(state, publishOf(2, { dataset: "x" }));
  expect(decision.kind === "rejected" ? decision.details["datasets"] : []).toHaveLength(20);

  let sourced = sample();
  for (let count = 0; count < sourcesMax; count += 1) sourced = after(sourced, add(`s${count}`));
  expect(carryOut(sourced, add("more")).decision).toMatchObject({ code: "LIMIT_EXCEEDED", details: { sourcesMax } });
  expect(carryOut(sourced, add("s0")).decision).toMatchObject({ code: "SOURCE_EXISTS" });
  expect(Object.keys(sourced.datasets["prices"]?.sources ?? {})).toHaveLength(sourcesMax);
  const removed = after(sourced, { type: "remove-source", dataset: "prices", source: "s0" });
  expect(removed.datasets["prices"]?.sources).not.toHaveProperty("s0");
  expect(Object.keys(removed.datasets["prices"]?.sources ?? {})).toHaveLength(sourcesMax - 1);
});

test("what a source offers and a check refuses is refused once, until other bytes or another reason come", () => {
  const state = carryOut(sample(), refuse(), feed).state;
  expect(state.datasets["prices"]).toMatchObject({ lastNumber: 2, lastRefusal: { number: 2, code: "CHECK_REFUSED" } });
  expect(carryOut(state, refuse(), feed).decision).toMatchObject({ kind: "unchanged" });
  for (const [command, by] of [
    [refuse(), undefined],
    [refuse({ origin: null }), feed],
    [refuse({ code: "VALIDATION" }), feed],
    [refuse({ origin: { source: "feed", bytesHash: hashOf(9) } }), feed],
  ] as const) {
    expect(carryOut(state, command, by).logged).toHaveLength(1);
  }
  const pushed = carryOut(sample(), refuse({ origin: null })).state;
  expect(carryOut(pushed, refuse(), feed).logged).toHaveLength(1);
  // Only what a check refused is a version that people may want to name.
  expect(carryOut(state, refuse({ code: "VALIDATION" })).state.datasets["prices"]).toMatchObject({
    lastNumber: 2,
    lastRefusal: { number: null },
  });
});
