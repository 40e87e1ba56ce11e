import { expect, test } from "vitest";
import type { LineHistory } from "./line-fold.ts";
import { presenceSince } from "./presence.ts";

/** A line that was stable from its number on, of the bytes of this name. */
function line(publish: number, bytes: string, restored: LineHistory["restored"] = null): LineHistory {
  return {
    publish,
    sequence: publish,
    at: publish,
    contentHash: "",
    origin: { source: null, bytesHash: bytes },
    changes: null,
    restored,
    stable: { sequence: publish, at: publish },
    left: null,
    anchors: [],
  };
}

/** The newest is stable, the others were replaced. */
function history(...lines: readonly LineHistory[]): readonly LineHistory[] {
  return lines.map((its, index) => {
    const next = lines[index + 1];
    return next === undefined ? its : { ...its, left: { sequence: next.publish, at: next.publish, how: "replaced" } };
  });
}

/** The publishes and restores since, and of each line its newest version whose patches are there. */
function since(lines: readonly LineHistory[], publish: number, number: number = publish): readonly unknown[] {
  const target = lines.find((its) => its.publish === publish);
  if (target === undefined) throw new Error("no such line");
  const presence = presenceSince(lines, { line: target, number });
  return [presence.lines, ...lines.map((its) => presence.through(its))];
}

const all = Number.POSITIVE_INFINITY;
const gone = undefined;
const exact = (version: number): LineHistory["restored"] => ({ version, mode: "exact" });
const reapply = (version: number): LineHistory["restored"] => ({ version, mode: "reapply" });

test("what was published since is there, and every patch", () => {
  const lines = history(line(1, "a"), line(5, "b"), line(9, "c"));
  expect(since(lines, 1)).toEqual([2, all, all, all]);
  expect(since(lines, 5)).toEqual([1, gone, all, all]);
  expect(since(lines, 9)).toEqual([0, gone, gone, all]);
});

test("a line that another restore took back is gone, and so is what came after the version that it brought back", () => {
  const lines = history(line(1, "a"), line(5, "b"), line(9, "a", exact(3)));
  expect(since(lines, 1)).toEqual([0, 3, gone, all]);
  expect(since(lines, 1, 3)).toEqual([0, 3, gone, all]);
  // The restore itself is what v4 takes back: it had dropped that patch.
  expect(since(lines, 1, 4)).toEqual([1, 3, gone, all]);
});

test("patches that a restore applied again are there, without the publish that it took back", () => {
  const lines = history(line(1, "a"), line(5, "b"), line(9, "a", reapply(3)));
  expect(since(lines, 1, 4)).toEqual([0, all, all, all]);
});

test("to whom goes back to what a restore took back, the restore is what came since", () => {
  const lines = history(line(1, "a"), line(5, "b"), line(9, "a", exact(3)), line(12, "d"));
  expect(since(lines, 5)).toEqual([2, gone, gone, all, all]);
  // One of a version that is forgotten is older than all that is known.
  expect(since(history(line(5, "b"), line(9, "x", exact(3))), 5)).toEqual([1, gone, all]);
});

test("a version that came back twice is followed to the line that was published", () => {
  const lines = history(
    line(1, "a"),
    line(5, "b"),
    line(9, "a", exact(3)),
    line(12, "b", exact(6)),
    line(15, "a", exact(10)),
  );
  expect(since(lines, 1)).toEqual([0, 3, gone, 10, gone, all]);
  expect(since(lines, 9)).toEqual([0, gone, gone, 10, gone, all]);
  expect(since(lines, 12)).toEqual([1, gone, gone, gone, gone, all]);
});

test("the same bytes published again are another line, from which a version comes only once it is there", () => {
  const lines = history(line(1, "a"), line(5, "b"), line(9, "a", exact(4)), line(12, "a"));
  expect(since(lines, 1)).toEqual([1, 4, gone, all, all]);
  // A line that is only shown to some is none that was stable.
  const shown = { ...line(3, "a"), stable: null };
  expect(since(history(line(1, "a"), shown, line(9, "a", exact(4))), 1)).toEqual([0, 4, gone, all]);
});
