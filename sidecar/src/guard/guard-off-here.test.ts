import { createVirtualClock, type ReleaseState, type VirtualClock } from "@sluice/core";
import { beforeEach, expect, test } from "vitest";
import { releaseStateOf } from "../release-state.testing.ts";
import { createGuardOffHere, type GuardOffHere } from "./guard-off-here.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;
const by = { kind: "person", name: "anna" } as const;

let clock: VirtualClock;
/** Since when by `clock` there is no contact; null where there is. */
let cutSinceMs: number | null = null;
let off: GuardOffHere;
beforeEach(() => {
  clock = createVirtualClock();
  cutSinceMs = null;
  off = create();
});

function create(): GuardOffHere {
  return createGuardOffHere(clock, () => (cutSinceMs === null ? 0 : clock.now() - cutSinceMs));
}

/** A release whose guard was turned off at a time of the origin's, or is on. */
function release(at: number | null): ReleaseState {
  return releaseStateOf({ guardOff: at === null ? null : { at, until: at + 10 * minuteMs, by, reason: "known" } });
}

/** For how long the guard stays off from now on, in whole seconds. */
function leftMs(its: ReleaseState): number {
  let leftMs = 0;
  for (; off.isOff(its); leftMs += 1_000) clock.advance(1_000);
  return leftMs;
}

test.each([hourMs, -hourMs])("a wall clock that jumps by %i ms neither ends nor prolongs it", (jumpMs) => {
  const its = release(clock.wall());
  expect(off.isOff(its)).toBe(true);
  clock.advance(4 * minuteMs);
  clock.jumpWall(jumpMs);
  expect(leftMs(its)).toBe(6 * minuteMs);
});

test.each([hourMs, -hourMs])(
  "with contact it lasts as long as was said on a host that is %i ms off the origin",
  (aheadMs) => {
    expect(off.isOff(release(null))).toBe(false);
    clock.advance(30_000);
    off.isOff(release(null));
    expect(leftMs(release(clock.wall() - aheadMs))).toBe(10 * minuteMs);
  },
);

test("what began while the host heard nothing began no earlier than that", () => {
  off.isOff(release(null));
  cutSinceMs = clock.now();
  clock.advance(3 * minuteMs);
  // By this host's clock it would have begun an hour ago.
  const its = release(clock.wall() - hourMs);
  expect(off.isOff(its)).toBe(true);
  expect(leftMs(its)).toBe(7 * minuteMs);
});

test("what began before this host came is measured by the wall clock, once", () => {
  const its = release(clock.wall() - 2 * minuteMs);
  expect(off.isOff(its)).toBe(true);
  clock.jumpWall(hourMs);
  expect(leftMs(its)).toBe(8 * minuteMs);
});

test("a second time takes the place of the first", () => {
  const first = clock.wall();
  off.isOff(release(first));
  clock.advance(9 * minuteMs);
  expect(leftMs(release(first + 9 * minuteMs))).toBe(10 * minuteMs);
});

test.each([hourMs, 0, -hourMs])(
  "a restart goes on with what is left, on a host that is %i ms off the origin",
  (aheadMs) => {
    off.isOff(release(null));
    const its = release(clock.wall() - aheadMs);
    off.isOff(its);
    clock.advance(3 * minuteMs);
    const kept = off.kept();
    off = create();
    off.restore(kept);
    clock.advance(minuteMs);
    expect(leftMs(its)).toBe(6 * minuteMs);
  },
);

test("a wall clock that jumped before a restart is no time that has passed, where it was kept since", () => {
  const its = release(clock.wall());
  off.isOff(its);
  off.kept();
  expect(off.hasChanged()).toBe(false);
  clock.advance(3 * minuteMs);
  expect(off.hasChanged()).toBe(false);
  clock.jumpWall(hourMs);
  expect(off.hasChanged()).toBe(true);
  const kept = off.kept();
  expect(off.hasChanged()).toBe(false);
  off = create();
  off.restore(kept);
  expect(leftMs(its)).toBe(7 * minuteMs);
});

test("what was kept of another time says nothing of this one", () => {
  off.restore([{ release: "r", at: clock.wall() - hourMs, since: clock.wall() - hourMs }]);
  expect(leftMs(release(clock.wall()))).toBe(10 * minuteMs);
});

test("what is kept has changed when a guard is off and when none is any more; a release that ended is forgotten", () => {
  off.isOff(release(null));
  expect([off.hasChanged(), off.kept()]).toEqual([false, []]);
  off.isOff(release(clock.wall()));
  expect([off.hasChanged(), off.kept().length, off.hasChanged()]).toEqual([true, 1, false]);
  off.retain(new Set(["another"]));
  expect([off.hasChanged(), off.kept()]).toEqual([true, []]);
});
