import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import {
  after,
  asked,
  ben,
  carryOut,
  completed,
  feed,
  hashOf,
  publishOf,
  reason,
  restoreOf,
  running,
  startOf,
} from "./sample-release.testing.ts";
import type { NamespaceState } from "./state.ts";
import { takenBackText } from "./taken-back.ts";

const revert: Command = { type: "revert", target: { dataset: "prices" }, cause: reason };
const start = startOf("release-3");
const promote: Command = { type: "promote", release: "release-3", epoch: null };
const fromFeed = (content: number, given: Parameters<typeof publishOf>[1] = {}): Command =>
  publishOf(content, { request: asked, origin: { source: "feed", bytesHash: hashOf(content) }, ...given });
const textOf = (state: NamespaceState): string | null => {
  const prices = state.datasets["prices"];
  return prices === undefined ? null : takenBackText(prices);
};

test("what a source brings after a revert is held, and starts when a person says so", () => {
  const reverted = after(running(), revert);
  expect(textOf(reverted)).toBe("v2 was reverted");
  const brought = carryOut(reverted, fromFeed(3), feed);
  expect(brought.types).toEqual(["version-published"]);
  expect(carryOut(brought.state, fromFeed(4), feed).types).toEqual(["version-published"]);
  expect(carryOut(brought.state, start).types).toEqual(["release-started"]);
  // A person who publishes and asks for the release has said so too.
  expect(carryOut(reverted, fromFeed(3), ben).types).toEqual(["version-published", "release-started"]);
});

test("when everybody sees a newer version, or the mark is lifted, a source releases by itself again", () => {
  const started = after(after(running(), revert), publishOf(3), start);
  expect(textOf(started)).toBe("v2 was reverted");
  const done = after(started, promote, promote);
  expect(textOf(done)).toBeNull();
  const next = fromFeed(4, { comparedWith: 3, parent: 3 });
  expect(carryOut(done, next, feed).types).toEqual(["version-published", "release-started"]);

  const lift: Command = { type: "lift-quarantine", dataset: "prices", publish: 2, keys: null, reason: "it was right" };
  const lifted = after(after(running(), revert), lift);
  expect(textOf(lifted)).toBeNull();
  expect(carryOut(lifted, fromFeed(3), feed).types).toEqual(["version-published", "release-started"]);
});

test("of several that were reverted the last is named, and the others stand when its mark is lifted", () => {
  const twice = after(after(running(), revert), publishOf(3), start, revert);
  expect(textOf(twice)).toBe("v3 was reverted");
  const lift: Command = { type: "lift-quarantine", dataset: "prices", publish: 3, keys: null, reason: "it was right" };
  expect(textOf(after(twice, lift))).toBe("v2 was reverted");
});

test("after an older version was brought back a source holds too, until something newer is stable", () => {
  const restored = after(completed(), restoreOf());
  expect(textOf(restored)).toBe("v1 was brought back");
  const compared = { comparedWith: 3, parent: 3 };
  expect(carryOut(restored, fromFeed(4, compared), feed).types).toEqual(["version-published"]);
  const newer = after(restored, publishOf(4, compared), start, promote, promote);
  expect(textOf(newer)).toBeNull();
});

test("an immediate dataset shows what its source brings, whatever was taken back", () => {
  const first = after(running(), publishOf(1, { dataset: "stock", comparedWith: null, parent: null }));
  const release = publishOf(2, { dataset: "stock", request: asked, draw: { release: "release-s", salt: "salt" } });
  const reverted = after(first, release, { ...revert, target: { dataset: "stock" } });
  const brought = carryOut(reverted, publishOf(3, { dataset: "stock" }), feed);
  expect(brought.logged).toMatchObject([{ event: { type: "version-published", live: true } }]);
});
