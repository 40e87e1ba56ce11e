import { expect, test } from "vitest";
import {
  after,
  ben,
  carryOut,
  completed,
  hashOf,
  noon,
  publishOf,
  reason,
  release,
  restoreOf,
  running,
  sample,
} from "./sample-release.testing.ts";

test("an older version is stable again under a new number, and the line that it takes back is marked", () => {
  const { state, types } = carryOut(completed(), restoreOf());
  expect(types).toEqual(["version-restored"]);
  const { datasets } = state;
  expect(datasets["prices"]).toMatchObject({
    lastNumber: 3,
    candidate: null,
    release: null,
    stableSince: { at: noon, by: ben },
    stable: {
      publish: 3,
      number: 3,
      contentHash: hashOf(1),
      publishedAt: noon,
      publishedBy: ben,
      restored: { version: 1, mode: "exact", dropped: { changes: 1, keys: 1 }, reason: reason.reason },
    },
  });
  expect(datasets["prices"]?.quarantine).toEqual([
    {
      publish: 2,
      bytesHash: hashOf(2),
      changes: null,
      release: null,
      at: noon,
      by: ben,
      reason: reason.reason,
      liftedKeys: [],
    },
  ]);
});

test("what runs is reverted in the same append, and marked once although the older version takes it back too", () => {
  const { state, types } = carryOut(
    running(),
    restoreOf({ stable: 1, content: { ...restoreOf().content, contentHash: hashOf(9) } }),
  );
  expect(types).toEqual(["release-reverted", "version-restored"]);
  expect(state.datasets["prices"]?.quarantine.map(({ publish }) => publish)).toEqual([2]);
});

test("the content that is stable already changes nothing, but for the end of what runs", () => {
  expect(carryOut(sample(), restoreOf({ stable: 1 })).decision).toMatchObject({ kind: "unchanged", number: 1 });
  expect(carryOut(running(), restoreOf({ stable: 1 })).types).toEqual(["release-reverted"]);
});

test("a held version leaves with a restore, since it was compared with what is taken back", () => {
  const state = after(completed(), publishOf(3, { comparedWith: 2, parent: 2 }));
  expect(state.datasets["prices"]?.candidate?.publish).toBe(3);
  expect(carryOut(state, restoreOf()).state.datasets["prices"]?.candidate).toBeNull();
});

test("only the mark of the very line keeps its version from coming back", () => {
  const reverted = after(running(), { type: "revert", target: { release }, cause: reason });
  const another = restoreOf({ stable: 1, content: { ...restoreOf().content, contentHash: hashOf(9) }, takenBack: [] });
  expect(carryOut(reverted, another).types).toEqual(["version-restored"]);
  expect(carryOut(reverted, { ...another, line: 2 }).decision).toMatchObject({
    code: "QUARANTINED",
    message: "v1 of prices was reverted itself: it hurts; lift it first with: sluice quarantine lift prices 2",
  });
  const restored = after(completed(), restoreOf());
  expect(carryOut(restored, restoreOf({ restored: 2, line: 2, stable: 3 })).decision).toMatchObject({
    message: "v2 of prices was taken back by a restore: it hurts; lift it first with: sluice quarantine lift prices 2",
  });
});
