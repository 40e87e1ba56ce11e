import {
  createVirtualClock,
  defaultPlan,
  emptyState,
  type Event,
  evolve,
  type NamespaceState,
  type ReleaseState,
  SluiceError,
} from "@sluice/core";
import type { Confirmation } from "@sluice/core/api";
import { expect, test } from "vitest";
import { type Confirmer, createConfirmer, syncRetryMs } from "./confirmer.ts";
import { createHereBook } from "./here-book.ts";
import { createMarkBook, type MarkBook } from "./mark-book.ts";
import type { Snapshot } from "./replica.ts";
import { createReporter } from "./reporter.ts";
import { pass, settle } from "./turns.testing.ts";
import type { DatasetLines, ReadableVersion } from "./version.ts";

const at = (controlSequence: number): Snapshot => ({
  log: "log-1",
  state: { ...emptyState, controlSequence },
  datasets: new Map(),
  marks: new Set(),
});

/** A disk that takes each sync when told. */
function createWorld(datasets: readonly string[] | null = null) {
  const clock = createVirtualClock();
  const confirmed: Confirmation[] = [];
  const syncs: { done: () => void; fail: (error: SluiceError) => void }[] = [];
  const errors: unknown[] = [];
  const marks: MarkBook = {
    ...createMarkBook(null),
    sync: () => new Promise((done, fail) => void syncs.push({ done, fail })),
  };
  const reporter = {
    ...createReporter({ id: "me", clock, random: () => 0, post: async () => 202 }),
    confirm: (confirmation: Confirmation) => void confirmed.push(confirmation),
  };
  const confirmer: Confirmer = createConfirmer({
    id: "me",
    datasets,
    marks,
    hereBook: createHereBook(null),
    reporter,
    clock,
    onError: (error) => void errors.push(error),
  });
  return { clock, confirmed, syncs, errors, confirmer };
}

const reading = (number: number): ReadonlyMap<string, DatasetLines> =>
  new Map([["stock", { stable: { number } as ReadableVersion, candidate: null }]]);

test("a revert that comes while another is on its way to the disk is confirmed by the write that has it", async () => {
  const { confirmer, confirmed, syncs } = createWorld();
  confirmer.applied(at(5), ["r1"]);
  confirmer.applied(at(6), ["r2"]);
  syncs[0]?.done();
  await settle();
  expect(confirmed).toEqual([]);
  syncs[1]?.done();
  await settle();
  expect(confirmed).toEqual([{ follower: "me", applied: 6, reverted: ["r1", "r2"], prepared: [] }]);
});

test("a refused candidate is said at once, and again to another instance for as long as its release is active", () => {
  const { confirmer, confirmed } = createWorld();
  const refusal = {
    release: "r1",
    reason: "checkout@host does not take it: prices sku-1 of v2: price: expected a number",
  };
  confirmer.refused(refusal);
  expect(confirmed).toEqual([{ follower: "me", applied: 0, reverted: [], prepared: [], refused: [refusal] }]);
  const active = { id: "r1", phase: "running" } as ReleaseState;
  const running: Snapshot = { ...at(5), state: { ...at(5).state, releases: { r1: active } } };
  confirmer.repeat(running);
  expect(confirmed.at(-1)?.refused).toEqual([refusal]);
  confirmer.repeat(at(6));
  expect(confirmed.at(-1)).toEqual({ follower: "me", applied: 6, reverted: [], prepared: [] });
});

test("what comes after a revert is not confirmed before it, and what comes later is confirmed at once again", async () => {
  const { confirmer, confirmed, syncs } = createWorld();
  confirmer.applied(at(4), []);
  confirmer.applied(at(5), ["r1"]);
  confirmer.applied(at(6), []);
  expect(confirmed.map(({ applied }) => applied)).toEqual([4]);
  syncs[0]?.done();
  await settle();
  expect(confirmed.map(({ applied, reverted }) => [applied, reverted])).toEqual([
    [4, []],
    [6, ["r1"]],
  ]);
  confirmer.applied(at(7), []);
  expect(confirmed.map(({ applied }) => applied)).toEqual([4, 6, 7]);
});

test("a disk that does not take a revert is tried again every second", async () => {
  const { clock, confirmer, confirmed, syncs, errors } = createWorld();
  confirmer.applied(at(5), ["r1"]);
  const error = new SluiceError("DISK_FULL", "no room");
  syncs[0]?.fail(error);
  await pass(clock, syncRetryMs - 1);
  expect([errors, syncs.length]).toEqual([[error], 1]);
  await pass(clock, 1);
  syncs[1]?.done();
  await settle();
  expect(confirmed.map(({ reverted }) => reverted)).toEqual([["r1"]]);
});

test("what waits for the disk when another log takes the place of its own is not said of that one", async () => {
  const { confirmer, confirmed, syncs } = createWorld();
  confirmer.repeat({ ...at(5), log: "log-1" });
  confirmer.applied(at(50), ["r1"]);
  confirmer.repeat({ ...at(2), log: "log-2" });
  for (const which of [0, 1]) {
    syncs[which]?.done();
    await settle();
  }
  expect(confirmed.map(({ applied, reverted }) => [applied, reverted])).toEqual([
    [5, []],
    [2, []],
  ]);
});

test("nothing is said where nothing is new", async () => {
  const { confirmer, confirmed } = createWorld();
  confirmer.applied(at(4), []);
  confirmer.applied(at(4), []);
  expect(confirmed.length).toBe(1);
});

test("a close waits for no disk that does not come", async () => {
  const { clock, confirmer, syncs } = createWorld();
  confirmer.applied(at(5), ["r1"]);
  syncs[0]?.fail(new SluiceError("DISK_FULL", "no room"));
  await settle();
  await confirmer.close();
  expect(clock.nextInMs()).toBe(undefined);
});

/** A state in which `stock` is being released. */
function releasingStock(): NamespaceState {
  const contentHash = "a".repeat(64);
  const published = (number: number, live: boolean): Event => ({
    type: "version-published",
    dataset: "stock",
    number,
    parent: null,
    content: {
      base: { parts: [{ name: contentHash, bytes: 1, items: 1, contentHash }], layers: [] },
      overlay: null,
      contentHash,
      items: 1,
    },
    origin: { source: null, bytesHash: contentHash },
    difference: { added: 1, removed: 0, changed: 0, unchanged: 0, examples: [] },
    warnings: [],
    changes: null,
    quarantinedChanges: null,
    live,
  });
  const events: Event[] = [
    { type: "dataset-created", dataset: "stock", policy: "canary", plan: defaultPlan, checks: [] },
    published(1, true),
    published(2, false),
    {
      type: "release-started",
      release: "r1",
      dataset: "stock",
      salt: "s",
      plan: defaultPlan,
      thousandths: 5_000,
      acceptQuarantined: false,
    },
  ];
  return events.reduce<NamespaceState>(
    (state, event, index) => evolve(state, { sequence: index + 1, at: 0, by: { kind: "person", name: "anna" }, event }),
    emptyState,
  );
}

test("an older version that came back is confirmed once it can be read, by the name of its receipt", () => {
  const { confirmer, confirmed } = createWorld();
  const { contentHash, items } = { contentHash: "a".repeat(64), items: 1 };
  const base = { parts: [{ name: contentHash, bytes: 1, items, contentHash }], layers: [] };
  const event: Event = {
    type: "version-restored",
    dataset: "stock",
    number: 3,
    restored: 1,
    mode: "exact",
    content: { base, overlay: null, contentHash, items },
    origin: { source: null, bytesHash: contentHash },
    difference: { added: 0, removed: 0, changed: 1, unchanged: 0, examples: [] },
    changes: null,
    dropped: { changes: 1, keys: 1 },
    takenBack: [],
    cause: { reason: "tenfold", evidence: null },
  };
  const before = releasingStock();
  const ended: Event = { type: "release-reverted", release: "r1", cause: event.cause };
  const state = [ended, event].reduce<NamespaceState>(
    (its, each) =>
      evolve(its, { sequence: its.sequence + 1, at: 0, by: { kind: "person", name: "anna" }, event: each }),
    before,
  );
  confirmer.applied({ log: "log-1", state, datasets: reading(1), marks: new Set() }, []);
  confirmer.applied({ log: "log-1", state, datasets: reading(3), marks: new Set() }, []);
  expect(confirmed.map(({ applied, prepared }) => [applied, prepared])).toEqual([
    [state.controlSequence, []],
    [state.controlSequence, ["stock-v3-restored"]],
  ]);
});

test.each([
  { datasets: ["prices"], prepared: ["r1"] },
  { datasets: ["stock"], prepared: [] },
  { datasets: null, prepared: [] },
])("who does not read a dataset is ready for its release: $datasets", ({ datasets, prepared }) => {
  const { confirmer, confirmed } = createWorld(datasets);
  confirmer.applied({ log: "log-1", state: releasingStock(), datasets: new Map(), marks: new Set() }, []);
  expect(confirmed).toMatchObject([{ prepared }]);
});
