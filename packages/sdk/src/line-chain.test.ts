import { createVirtualClock, type Event } from "@sluice/core";
import type { SnapshotChange } from "@sluice/replica";
import { beforeEach, describe, expect, test } from "vitest";
import { chainsOf, keysBetween } from "./line-chain.ts";
import { createMemoryReplica, type MemoryReplica } from "./memory-replica.ts";

let replica: MemoryReplica;
let change: SnapshotChange | undefined;

/** What the client is told of everything that `happen` does, as one change. */
function changeBy(happen: () => void): SnapshotChange {
  replica.setCutOff(true);
  happen();
  replica.setCutOff(false);
  if (change === undefined) throw new Error("nothing changed");
  return change;
}

/** The keys that are proven to be all that changed from one line to another. */
function keysOf(given: SnapshotChange, from: "stable" | "candidate", to: "stable" | "candidate"): string[] | undefined {
  const before = given.previous.datasets.get("prices")?.[from]?.contentHash ?? "none";
  const after = given.snapshot.datasets.get("prices")?.[to]?.contentHash ?? "none";
  const keys = keysBetween(before, after, chainsOf("prices", given));
  return keys === undefined ? undefined : [...keys].sort();
}

const start = (): void => {
  const { sequence } = replica.snapshot().state;
  replica.command({
    type: "start-release",
    dataset: "prices",
    publish: null,
    plan: null,
    thousandths: 50_000,
    acceptQuarantined: true,
    draw: { release: `r${sequence}`, salt: "s" },
  });
};
const promote = (): void => replica.command({ type: "promote", release: replica.releaseOf("prices"), epoch: null });

beforeEach(() => {
  replica = createMemoryReplica({ clock: createVirtualClock() });
  replica.subscribe((given) => {
    change = given;
  });
  replica.createDataset("prices");
  replica.createDataset("stock");
  replica.publish("stock", { a: 1 });
  replica.publish("prices", { a: 1, b: 1, c: 1 });
});

test("a version that was brought back breaks the chain: patches behind it lead on from another content", () => {
  const given = changeBy(() => replica.patch("prices", { a: 2 }));
  const [patched] = given.events ?? [];
  const version = given.previous.datasets.get("prices")?.stable;
  if (patched === undefined || version === null || version === undefined) throw new Error("nothing was patched");
  const event: Extract<Event, { type: "version-restored" }> = {
    type: "version-restored",
    dataset: "prices",
    number: 9,
    restored: 1,
    mode: "exact",
    content: { base: version.base, overlay: null, contentHash: version.contentHash, items: version.items },
    origin: { source: null, bytesHash: version.contentHash },
    difference: { added: 0, removed: 0, changed: 0, unchanged: 3, examples: [] },
    changes: null,
    dropped: { changes: 0, keys: 0 },
    takenBack: [],
    cause: { reason: "back", evidence: null },
  };
  expect(keysOf({ ...given, events: [{ ...patched, event }, patched] }, "stable", "stable")).toBe(undefined);
});

test("patches change the patched and the removed keys of a line and no others", () => {
  const given = changeBy(() => {
    replica.patch("prices", { a: 2 });
    replica.patch("prices", {}, ["b"]);
    replica.patch("stock", { a: 2 });
  });
  expect(keysOf(given, "stable", "stable")).toEqual(["a", "b"]);
});

test("a state that came whole proves nothing but equal content", () => {
  replica.patch("prices", { a: 2 });
  replica.reload();
  if (change === undefined) throw new Error("nothing changed");
  expect(chainsOf("prices", change)).toEqual([]);
  expect(keysOf(change, "stable", "stable")).toEqual([]);
});

describe("with a release", () => {
  beforeEach(() => {
    replica.publish("prices", { a: 7, b: 1, c: 1 });
    start();
  });

  test("a patch of both lines is a way for both", () => {
    const given = changeBy(() => replica.patch("prices", { c: 2 }));
    expect(keysOf(given, "stable", "stable")).toEqual(["c"]);
    expect(keysOf(given, "candidate", "candidate")).toEqual(["c"]);
    expect(keysOf(given, "stable", "candidate")).toBeUndefined();
  });

  test("a completed candidate goes on as the stable line", () => {
    const given = changeBy(() => {
      promote();
      replica.patch("prices", { b: 2 });
      promote();
      replica.patch("prices", { c: 2 });
    });
    expect(keysOf(given, "candidate", "stable")).toEqual(["b", "c"]);
    expect(keysOf(given, "stable", "stable")).toBeUndefined();
  });

  test.each([
    [
      "reverted",
      () => replica.command({ type: "revert", target: { dataset: "prices" }, cause: { reason: "r", evidence: null } }),
    ],
    ["superseded", () => undefined],
  ])("a new candidate after a %s one does not go on from it, however it was patched", (_how, end) => {
    const given = changeBy(() => {
      end();
      const request = { thousandths: 1, supersede: true, acceptQuarantined: true };
      replica.publish("prices", { a: 8, b: 8, c: 8 }, request);
      replica.patch("prices", { a: 9 });
    });
    expect(keysOf(given, "candidate", "candidate")).toBeUndefined();
    expect(keysOf(given, "stable", "stable")).toEqual(["a"]);
  });

  test("an ended release that the state has forgotten proves nothing", () => {
    const given = changeBy(() => {
      promote();
      promote();
      replica.patch("prices", { b: 2 });
    });
    const state = { ...given.snapshot.state, releases: {} };
    const forgotten = { ...given, snapshot: { ...given.snapshot, state } };
    expect(chainsOf("prices", forgotten)).toEqual([]);
  });
});
