import type { Clock, Timer } from "./clock.ts";

/** A clock that moves only when told to: tests and the simulation run on it. */
export interface VirtualClock extends Clock {
  /** Moves to the earliest timer and fires it. False where none is set. */
  runNext(): boolean;
  /** Milliseconds until the earliest timer; undefined where none is set. */
  nextInMs(): number | undefined;
  /** Moves on by `durationMs` and fires, in order, every timer that falls due, those set on the way included. */
  advance(durationMs: number): void;
  /** Moves the wall clock alone, as an operator or NTP does. */
  jumpWall(differenceMs: number): void;
}

/** Makes a clock at monotonic 0 whose wall reads `wallStartMs` (default 2026-11-11T00:00:00Z). */
export function createVirtualClock(wallStartMs: number = Date.UTC(2026, 10, 11)): VirtualClock {
  let nowMs = 0;
  let wallOffsetMs = wallStartMs;
  let order = 0;
  const timers = new Set<{ atMs: number; order: number; fire: () => void }>();

  const earliest = (): { atMs: number; order: number; fire: () => void } | undefined => {
    let found: { atMs: number; order: number; fire: () => void } | undefined;
    for (const timer of timers) {
      if (found === undefined || timer.atMs < found.atMs || (timer.atMs === found.atMs && timer.order < found.order)) {
        found = timer;
      }
    }
    return found;
  };

  const clock: VirtualClock = {
    now: () => nowMs,
    wall: () => nowMs + wallOffsetMs,
    setTimer(delayMs, fire): Timer {
      const timer = { atMs: nowMs + Math.max(0, delayMs), order: order++, fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    runNext() {
      const timer = earliest();
      if (timer === undefined) return false;
      timers.delete(timer);
      nowMs = Math.max(nowMs, timer.atMs);
      timer.fire();
      return true;
    },
    nextInMs() {
      const timer = earliest();
      return timer === undefined ? undefined : Math.max(0, timer.atMs - nowMs);
    },
    advance(durationMs) {
      const endMs = nowMs + durationMs;
      for (let timer = earliest(); timer !== undefined && timer.atMs <= endMs; timer = earliest()) clock.runNext();
      nowMs = endMs;
    },
    jumpWall(differenceMs) {
      wallOffsetMs += differenceMs;
    },
  };
  return clock;
}
