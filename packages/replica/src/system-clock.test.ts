import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSystemClock } from "./system-clock.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test("a timer fires once, after its delay, and not where it was taken back", () => {
  const clock = createSystemClock();
  const fired: string[] = [];
  clock.setTimer(100, () => fired.push("kept"));
  clock.setTimer(50, () => fired.push("taken back")).cancel();
  vi.advanceTimersByTime(99);
  expect(fired).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(fired).toEqual(["kept"]);
});

test("a timer may wait longer than Node's timers can", () => {
  const clock = createSystemClock();
  const monthMs = 30 * 86_400_000;
  let fired = 0;
  clock.setTimer(monthMs, () => fired++);
  const cancelled = clock.setTimer(monthMs, () => fired++);
  vi.advanceTimersByTime(monthMs - 1);
  expect(fired).toBe(0);
  cancelled.cancel();
  vi.advanceTimersByTime(1);
  expect(fired).toBe(1);
});

test("the monotonic clock and the wall are the machine's", () => {
  const clock = createSystemClock();
  const before = clock.now();
  vi.advanceTimersByTime(250);
  expect(clock.now() - before).toBe(250);
  expect(clock.wall()).toBe(1_000_250);
});

function active(kind = "Timeout"): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === kind).length;
}

test("a timer without a delay is the next turn of the event loop, which waits for nothing else before it", () => {
  vi.useRealTimers();
  const clock = createSystemClock();
  const before = active("Immediate");
  const timer = clock.setTimer(0, () => {});
  // Node lists only what keeps the event loop from sleeping.
  expect(active("Immediate")).toBe(before + 1);
  timer.cancel();
  expect(active("Immediate")).toBe(before);
});

test("a timer keeps the process alive only where that is asked for", () => {
  vi.useRealTimers();
  const clock = createSystemClock();
  const before = active();
  const loose = clock.setTimer(60_000, () => {});
  expect(active()).toBe(before);
  const holding = clock.setTimer(60_000, () => {}, { keepAlive: true });
  expect(active()).toBe(before + 1);
  loose.cancel();
  holding.cancel();
  expect(active()).toBe(before);
});
