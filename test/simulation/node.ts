import type { VirtualClock } from "@sluice/core";
import type { Disk } from "./disk.ts";
import type { Ending, Joined, Network, Serve } from "./network.ts";
import { createNodeClock, type NodeClock } from "./node-clock.ts";
import type { Random } from "./random.ts";
import { type Trace, Violation } from "./trace.ts";

/** What every node of a world stands on. */
export interface Ground {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
  /** Counts how often something happened. */
  count(what: string): void;
  /** Takes what nobody caught and what must not have happened; the world ends with it. */
  fatal(error: unknown): void;
}

/** One run of a node's program, from its start to its end. */
export interface Process {
  readonly host: string;
  /** 1, 2, 3… per host. */
  readonly run: number;
  readonly clock: NodeClock;
  readonly random: Random;
  readonly joined: Joined;
}

/** What a program gives once it has started. */
export interface Program {
  /** What answers requests; none of a program that only asks. */
  readonly serve?: Serve;
  close(): Promise<void>;
}

/** A host and the program on it, which dies and comes again. */
export interface Node<P extends Program> {
  readonly host: string;
  /** The program, while it runs and has started. */
  program(): P | null;
  /** The process, from the moment in which it starts. */
  process(): Process | null;
  start(): void;
  /** Kills the process. With `silence` power is gone, and the disk keeps what was synced. */
  kill(how: Ending): void;
  /** Asks it to end, as SIGTERM does. */
  close(): void;
}

/** A program that was asked to end has to within this, in milliseconds. */
const closeMsMax = 40_000;

/** Makes a host on which nothing runs. */
export function createNode<P extends Program>(
  ground: Ground,
  host: string,
  options: { readonly disk: Disk | null; readonly launch: (process: Process) => Promise<P> },
): Node<P> {
  const { clock, trace, network } = ground;
  const { disk, launch } = options;
  const random = ground.random.fork(host);
  let process: Process | null = null;
  let program: P | null = null;
  let closing = false;
  let run = 0;

  const forget = (): void => {
    process = null;
    program = null;
    closing = false;
  };

  const end = (its: Process, how: Ending): void => {
    its.clock.kill();
    its.joined.end(how);
    forget();
  };

  return {
    host,
    program: () => (closing ? null : program),
    process: () => process,
    start() {
      if (process !== null) return;
      run += 1;
      trace.note(`${host} starts`);
      const its: Process = {
        host,
        run,
        clock: createNodeClock(clock, random.between(0, 1_000_000)),
        random: random.fork(`run ${run}`),
        joined: network.join(host),
      };
      process = its;
      // The disk's time is no timer of the process, but ends with it all the same.
      disk?.mount(
        (delayMs) => new Promise((done) => clock.setTimer(delayMs, () => (process === its ? done() : undefined))),
      );
      launch(its).then(
        (launched) => {
          if (process !== its) return;
          program = launched;
          if (launched.serve !== undefined) its.joined.listen(launched.serve);
          trace.note(`${host} is up`);
        },
        (error: unknown) => {
          if (process !== its) return;
          trace.note(`${host} did not start: ${error instanceof Error ? error.message : String(error)}`);
          refuseTimers(its, ground);
          end(its, "reset");
        },
      );
    },
    kill(how) {
      if (process === null) return;
      trace.note(`${host} is killed, ${how}`);
      end(process, how);
      if (how === "silence") disk?.crash();
    },
    close() {
      const its = process;
      if (its === null || program === null || closing) return;
      closing = true;
      trace.note(`${host} is asked to end`);
      const late = clock.setTimer(closeMsMax, () => {
        if (process === its) ground.fatal(new Violation("liveness", `${host} does not end within ${closeMsMax} ms`));
      });
      program.close().then(() => {
        late.cancel();
        if (process !== its) return;
        trace.note(`${host} has ended`);
        refuseTimers(its, ground);
        end(its, "reset");
      }, ground.fatal);
    },
  };
}

function refuseTimers({ host, clock }: Process, { fatal }: Ground): void {
  if (clock.pending() > 0) fatal(new Violation("liveness", `${host} has ended and left ${clock.pending()} timers`));
}
