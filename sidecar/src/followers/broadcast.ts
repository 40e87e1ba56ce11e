import type { Clock } from "@sluice/core";

/** Something that every target is given, in the order of the jobs. */
export interface Job<Target> {
  /** Called before the first target; from here on nothing may be added to the job. */
  begin?(): void;
  deliver(target: Target): void;
  /** Called after the last target. */
  end?(): void;
}

/** Gives jobs to targets, a few targets a turn, so that the process lives on and what is urgent gets in between. */
export interface Broadcast<Target> {
  /** In front of everything, also of the job that is under way. */
  urgent(job: Job<Target>): void;
  /** Behind everything. */
  ordered(job: Job<Target>): void;
  /** Whether nothing is under way or waits. */
  idle(): boolean;
  /** Forgets the ordered jobs, the one under way included; none of them ends. */
  clear(): void;
}

interface Running<Target> {
  readonly job: Job<Target>;
  /** Those there were when the job began; whoever comes later is brought up to date by itself. */
  targets: readonly Target[] | undefined;
  next: number;
}

/** A turn without a delay, which lets sockets and timers have theirs. */
const nextTurnMs = 0;

/**
 * Makes the loop. `targets` is asked at the beginning of each job. The process lives on after `targetsPerTurn`, and where
 * something is urgent only after `targetsPerUrgentTurn`: what the first receivers answer would hold up the last.
 */
export function createBroadcast<Target>(dependencies: {
  clock: Clock;
  targets: () => Iterable<Target>;
  targetsPerTurn: number;
  targetsPerUrgentTurn: number;
}): Broadcast<Target> {
  const { clock, targets, targetsPerTurn, targetsPerUrgentTurn } = dependencies;
  const urgent: Running<Target>[] = [];
  const ordered: Running<Target>[] = [];
  let turning = false;

  function run(): void {
    if (turning) return;
    turning = true;
    turn();
  }

  function turn(): void {
    let given = 0;
    for (;;) {
      const isUrgent = urgent.length > 0;
      const queue = isUrgent ? urgent : ordered;
      const running = queue[0];
      if (running === undefined) {
        turning = false;
        return;
      }
      const left = (isUrgent ? targetsPerUrgentTurn : targetsPerTurn) - given;
      if (left <= 0) {
        clock.setTimer(nextTurnMs, turn);
        return;
      }
      given += advance(running, left);
      if (running.next >= (running.targets?.length ?? 0)) {
        // Where the ordered jobs were cleared on the way, it is not there any more and does not end.
        if (queue[0] === running) {
          queue.shift();
          running.job.end?.();
        }
      }
    }
  }

  /** Gives a job to at most `left` targets more; returns to how many. */
  function advance(running: Running<Target>, left: number): number {
    if (running.targets === undefined) {
      running.job.begin?.();
      running.targets = [...targets()];
    }
    const { targets: all, next } = running;
    const end = Math.min(all.length, next + left);
    for (let index = next; index < end; index += 1) {
      const target = all[index];
      if (target !== undefined) running.job.deliver(target);
    }
    running.next = end;
    return end - next;
  }

  return {
    urgent(job) {
      urgent.push({ job, targets: undefined, next: 0 });
      run();
    },
    ordered(job) {
      ordered.push({ job, targets: undefined, next: 0 });
      run();
    },
    idle: () => !turning,
    clear() {
      ordered.length = 0;
    },
  };
}
