import { bucketOf, createVirtualClock } from "@sluice/core";
import type { Snapshot } from "@sluice/replica";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { ItemCache } from "./item-cache.ts";
import { createMemoryReplica, type MemoryReplica } from "./memory-replica.ts";
import { type Choice, chooseLine, type DatasetRoute, routeOf } from "./routing.ts";

let replica: MemoryReplica;

const nobody: ReadonlySet<string> = new Set();

function route(snapshot: Snapshot = replica.snapshot(), refused: ReadonlySet<string> = nobody): DatasetRoute {
  const cache = new ItemCache({ decode: JSON.parse, itemsMax: 1, bytesMax: null });
  const lines = snapshot.datasets.get("prices") ?? { stable: null, candidate: null };
  return routeOf(
    "prices",
    cache,
    cache.advance(lines, () => []),
    snapshot,
    refused,
  );
}

function startAt(thousandths: number): void {
  replica.command({
    type: "start-release",
    dataset: "prices",
    publish: null,
    plan: null,
    thousandths,
    acceptQuarantined: true,
    draw: { release: "r", salt: "s" },
  });
}

const numberOf = ({ line }: Choice): number | undefined => line?.version.number;
const armsOf = (of: DatasetRoute): (string | null)[] => users.map((user) => chooseLine(of, user, true).arm);
const isCounted = ({ comparison }: Choice): boolean => comparison?.tally.counted === true;

const users = Array.from({ length: 100 }, (_, index) => `user-${index}`);
const low = users.find((user) => bucketOf("s", user) < 50_000);
const high = users.find((user) => bucketOf("s", user) >= 50_000);

beforeEach(() => {
  replica = createMemoryReplica({ clock: createVirtualClock() });
  replica.createDataset("prices");
  replica.publish("prices", { a: 1 });
  replica.publish("prices", { a: 2 });
});

test("a held candidate is shown to nobody", () => {
  expect(chooseLine(route(), low, true)).toMatchObject({ arm: null, release: null, comparison: null });
  expect(numberOf(chooseLine(route(), low, true))).toBe(1);
});

test("below the percentage the candidate, above it control, both counted", () => {
  startAt(50_000);
  const candidate = chooseLine(route(), low, true);
  expect([candidate.arm, numberOf(candidate), isCounted(candidate)]).toEqual(["candidate", 2, true]);
  const control = chooseLine(route(), high, true);
  expect([control.arm, numberOf(control), isCounted(control)]).toEqual(["control", 1, true]);
  expect(candidate.comparison?.tally).toMatchObject({ release: "r", epoch: 1, unit: bucketOf("s", low ?? "") });
});

test("invariant 3: raising the percentage only adds targeting keys to the candidate", () => {
  startAt(0);
  const { release, ...rest } = route();
  const armAt = (thousandths: number, key: string): string | null =>
    chooseLine({ ...rest, release: release === null ? null : { ...release, thousandths } }, key, true).arm;
  expect(release).not.toBeNull();
  fc.assert(
    fc.property(fc.string(), fc.nat(100_000), fc.nat(100_000), (key, one, two) => {
      const [less, more] = [Math.min(one, two), Math.max(one, two)];
      if (armAt(less, key) === "candidate") expect(armAt(more, key)).toBe("candidate");
    }),
  );
});

test("invariant 3: a restart, a reconnect and another host change nobody's arm", () => {
  startAt(30_000);
  const before = armsOf(route());
  expect(new Set(before)).toEqual(new Set(["candidate", "control"]));
  replica.patch("prices", { b: 1 });
  replica.reload();
  expect(armsOf(route())).toEqual(before);
});

test("invariant 2: below 100 % without a lease everybody gets stable and is counted in neither arm", () => {
  startAt(50_000);
  for (const key of [low, high]) {
    const choice = chooseLine(route(), key, false);
    expect([choice.arm, numberOf(choice), isCounted(choice)]).toEqual(["control", 1, false]);
  }
});

test("invariant 2: from 100 % on the candidate needs no lease", () => {
  startAt(50_000);
  expect(numberOf(chooseLine(route(), high, false))).toBe(1);
  replica.command({ type: "promote", release: "r", epoch: null });
  const baking = chooseLine(route(), high, false);
  expect([baking.arm, numberOf(baking), isCounted(baking)]).toEqual(["candidate", 2, true]);
});

test("invariant 2: a release that starts with everybody needs no lease either", () => {
  startAt(100_000);
  expect(numberOf(chooseLine(route(), high, false))).toBe(2);
});

test("without a targeting key: stable below 100 %, the candidate from there on, never counted", () => {
  startAt(99_999);
  const before = chooseLine(route(), undefined, true);
  expect([before.arm, numberOf(before), isCounted(before)]).toEqual(["control", 1, false]);
  replica.command({ type: "promote", release: "r", epoch: null });
  const after = chooseLine(route(), undefined, true);
  expect([after.arm, numberOf(after), isCounted(after)]).toEqual(["candidate", 2, false]);
});

test("nobody without a targeting key is a canary at 0 %", () => {
  startAt(0);
  expect(chooseLine(route(), undefined, true).arm).toBe("control");
});

test("where this process could not serve the candidate, neither arm is counted", () => {
  startAt(50_000);
  const { state, datasets, log } = replica.snapshot();
  const marked = route({ log, state, datasets, marks: new Set(["r"]) });
  const refused = route(replica.snapshot(), new Set(["r"]));
  const lines = datasets.get("prices");
  const unprepared = route({
    log,
    state,
    marks: nobody,
    datasets: new Map([["prices", { stable: lines?.stable ?? null, candidate: null }]]),
  });
  for (const closed of [marked, refused, unprepared]) {
    for (const key of [low, high]) {
      const choice = chooseLine(closed, key, true);
      expect([choice.arm, numberOf(choice), isCounted(choice)]).toEqual(["control", 1, false]);
    }
  }
});

test("a candidate that was superseded is not taken for the new one, which is not prepared yet", () => {
  startAt(50_000);
  const old = replica.snapshot().datasets;
  replica.publish("prices", { a: 3 }, { thousandths: 100_000, supersede: true, acceptQuarantined: true });
  const lagging = route({ ...replica.snapshot(), datasets: old });
  expect(numberOf(chooseLine(lagging, low, true))).toBe(1);
  expect(numberOf(chooseLine(route(), low, true))).toBe(3);
});

test("where only the candidate is here, at 100 %, it is read and not counted, refused or not; a mark still takes it back", () => {
  startAt(100_000);
  const { state, datasets, log } = replica.snapshot();
  const only = new Map([["prices", { stable: null, candidate: datasets.get("prices")?.candidate ?? null }]]);
  const snapshot = { log, state, datasets: only, marks: nobody };
  for (const choice of [
    chooseLine(route(snapshot), low, true),
    chooseLine(route(snapshot, new Set(["r"])), low, true),
  ]) {
    expect([choice.arm, numberOf(choice), isCounted(choice)]).toEqual(["candidate", 2, false]);
  }
  expect(chooseLine(route({ ...snapshot, marks: new Set(["r"]) }), low, true).line).toBeNull();
});
