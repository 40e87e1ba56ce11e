import type { Clock, VirtualClock } from "@sluice/core";

/** The clock of one process. */
export interface NodeClock extends Clock {
  /** Timers that are set. */
  pending(): number;
  /** The process is dead: nothing of it fires any more. */
  kill(): void;
  /** Moves what people read, as an operator or NTP does. */
  jumpWall(differenceMs: number): void;
}

/** Makes the clock of a process, whose monotonic time begins anywhere, so that two processes' times mean nothing to each other. */
export function createNodeClock(clock: VirtualClock, startMs: number): NodeClock {
  const offsetMs = startMs - clock.now();
  const pending = new Set<{ cancel(): void }>();
  let wallMs = 0;
  let dead = false;
  return {
    now: () => clock.now() + offsetMs,
    wall: () => Math.floor(clock.wall() + wallMs),
    setTimer(delayMs, fire) {
      if (dead) return { cancel: () => {} };
      const timer = clock.setTimer(wholeMs(delayMs), () => {
        pending.delete(timer);
        fire();
      });
      pending.add(timer);
      return {
        cancel() {
          pending.delete(timer);
          timer.cancel();
        },
      };
    },
    pending: () => pending.size,
    kill() {
      dead = true;
      for (const timer of pending) timer.cancel();
      pending.clear();
    },
    jumpWall(differenceMs) {
      wallMs += differenceMs;
    },
  };
}

/** What Node makes of a delay: a turn of nothing, else whole milliseconds, at least one. */
function wholeMs(delayMs: number): number {
  return delayMs <= 0 ? 0 : Math.max(1, Math.trunc(delayMs));
}
