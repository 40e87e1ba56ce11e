import type { Actor, Cause, Clock, Decision, GivenCommand, LoggedEvent, NamespaceState, Timer } from "@sluice/core";
import { assert, decide, evolve, isActive, isSluiceError, own, SluiceError, withNextHolds } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import type { DatasetLines } from "@sluice/replica";
import type { Logger } from "pino";
import type { BuiltCommand } from "./built-command.ts";
import { isShared } from "./built-command.ts";
import type { CommandsListener } from "./commands-listeners.ts";
import { createListeners } from "./commands-listeners.ts";
import { createGuardOff } from "./guard/guard-off.ts";
import { asAnnounced, asTaken, createOwedReverts, isOfOneHost } from "./owed-reverts.ts";
import { createPresentedMarks, markOf } from "./presented-marks.ts";
import { createSeldom } from "./seldom.ts";
import type { EventLog, RememberedAnswer } from "./store/port.ts";
import type { Working } from "./working.ts";
import { moveLines } from "./working.ts";

/** How many commands may wait for the log; one more is refused with NOT_READY. */
const commandsWaitingMax = 10_000;

/** Pause before reverts that could not be made durable are tried again by themselves, in milliseconds. */
const durableRetryMs = 500;

/** What came of a command. */
export interface Executed {
  readonly decision: Exclude<Decision, { kind: "rejected" }>;
  /** The events that it appended, none where nothing changed. */
  readonly events: readonly LoggedEvent[];
  /** The state after it. */
  readonly state: NamespaceState;
  /** False for a revert that is announced while the store cannot take it; it is appended as soon as the store can. */
  readonly durable: boolean;
}

/** The answer to be remembered under an idempotency key, made before the append that keeps it. */
export interface Remember {
  readonly key: string;
  readonly fingerprint: string;
  answer(executed: Executed): string;
}

/** The shell of the state machine: loads, decides, appends, tells. It holds the only way to change a namespace. */
export interface Commands {
  /** The durable state. */
  state(): NamespaceState;
  /** The durable, prepared lines of a dataset. */
  lines(dataset: string): DatasetLines;
  /** Reverts that are announced and not yet in the log, as followers are told of them. */
  marks(): readonly Mark[];
  /** The same with their evidence. */
  announced(): readonly AnnouncedRevert[];
  /** Whether the guard of a release is off now: not any more when its time is over, although the log does not say so yet. */
  isGuardOff(release: string): boolean;
  /**
   * Carries out one command. Ends when its events are durable; a revert may end before (see `Executed.durable`).
   * Throws the rejection as SluiceError, DISK_FULL after which nothing has changed, or STORE_UNAVAILABLE after which the
   * command is in the log whole or not at all.
   */
  execute(given: GivenCommand | BuiltCommand, remember?: Remember): Promise<Executed>;
  /** A follower holds a mark: where its release is active, the revert is missing and is appended. */
  present(mark: Mark): void;
  /** Called with each append, after the state has moved; and with each mark, at once. Listeners must not throw. */
  subscribe(listener: CommandsListener): () => void;
  /** Ends when nothing is in flight; what is asked afterwards is refused with CLOSED. */
  close(): Promise<void>;
}

/** A revert that followers have been told of and the log may not have yet. */
export interface AnnouncedRevert extends Mark {
  readonly by: Actor;
  readonly cause: Cause;
}

/** What the shell needs. `fold` brings the contents of lines up to an event. */
export interface CommandsDependencies {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly initial: NamespaceState;
  readonly lines: {
    current(): ReadonlyMap<string, DatasetLines>;
    fold(before: NamespaceState, logged: LoggedEvent, after: NamespaceState): void;
  };
}

interface Job {
  readonly given: GivenCommand | BuiltCommand;
  /** Under each of these the answer is remembered. */
  readonly remembers: readonly Remember[];
  readonly resolve: (executed: Executed) => void;
  readonly reject: (error: unknown) => void;
}

/** What one job came to within a batch that is not appended yet. */
interface Outcome {
  readonly job: Job;
  readonly executed: Executed | SluiceError;
}

interface Batch {
  readonly outcomes: Outcome[];
  readonly events: LoggedEvent[];
  readonly answers: RememberedAnswer[];
}

const untold = (): void => {};

const noLines: DatasetLines = { stable: null, candidate: null };

/** Makes the shell over a log that was folded up to `initial`. */
export function createCommands(dependencies: CommandsDependencies): Commands {
  const { log, clock, logger, lines } = dependencies;
  const listeners = createListeners();
  const queue: Job[] = [];
  const marks = new Map<string, AnnouncedRevert>();
  /** Reverts that followers have heard of and the log could not take, by release: nothing is decided before them. */
  const owed = createOwedReverts();
  let retry: Timer | undefined;
  /** The log may have what the store did not confirm. */
  let unsure = false;
  let state = dependencies.initial;
  const guardOff = createGuardOff(clock, state);
  const seldom = createSeldom(clock);
  let running: Promise<void> | undefined;
  let closed = false;

  const linesOf = (dataset: string): DatasetLines => lines.current().get(dataset) ?? noLines;

  function announce({ release, at, by, cause }: AnnouncedRevert): void {
    if (marks.has(release)) return;
    marks.set(release, { release, at, by, cause });
    const mark = markOf({ release, at, by, cause });
    listeners.mark(mark);
  }

  /** A revert runs ahead of everything that waits: followers hear of it before the log does. */
  function announceRevert({ by, command }: GivenCommand): string | undefined {
    if (command.type !== "revert") return undefined;
    const { target } = command;
    const id = "release" in target ? target.release : own(state.datasets, target.dataset)?.release;
    const release = id === null || id === undefined ? undefined : own(state.releases, id);
    if (release === undefined || !isActive(release)) return undefined;
    if (by.kind === "guard" && guardOff.isOff(state, release.id)) return undefined;
    announce({ release: release.id, at: clock.wall(), by, cause: command.cause });
    return release.id;
  }

  function enqueue(
    given: GivenCommand | BuiltCommand,
    remember: Remember | undefined,
    first: boolean,
  ): Promise<Executed> {
    return new Promise((resolve, reject) => {
      const job = { given, remembers: remember === undefined ? [] : [remember], resolve, reject };
      if (first) queue.unshift(job);
      else queue.push(job);
      running ??= drain();
    });
  }

  async function drain(): Promise<void> {
    // A turn of the microtask queue, so that commands given together share one append.
    await Promise.resolve();
    do {
      const failure = unsure && !(await readOn()) ? isBehind() : await settleOwed();
      const jobs = takeBatch();
      if (failure === undefined) await carryOut(jobs);
      else for (const job of jobs) job.reject(failure);
    } while (queue.length > 0);
    running = undefined;
  }

  /** What the log may have already must not be refused for not being there. */
  function isBehind(): SluiceError {
    armRetry();
    return new SluiceError("STORE_UNAVAILABLE", "the store has not said whether an earlier change happened; try again");
  }

  /** One append. What the store did not take is told to every job of it, and given back. */
  async function carryOut(jobs: readonly Job[]): Promise<SluiceError | undefined> {
    let batch = decideBatch(jobs);
    let failure = await append(batch);
    if (failure?.code === "CONFLICT" && (await readOn())) {
      batch = decideBatch(jobs);
      failure = await append(batch);
    }
    if (failure === undefined) take(batch.events);
    else if (failure.code === "STORE_UNAVAILABLE") {
      // Followers are told of what is in the log although no other command may ever come.
      unsure = true;
      armRetry();
    }
    for (const { job, executed } of batch.outcomes) {
      if (failure !== undefined) job.reject(failure);
      else if (executed instanceof SluiceError) job.reject(executed);
      else job.resolve(executed);
    }
    return failure;
  }

  /** Appends what is owed: a command decided before it would meet a release that is reverted everywhere but in the log. */
  async function settleOwed(): Promise<SluiceError | undefined> {
    const jobs = owed.list().map((its) => ({ ...its, resolve: untold, reject: untold }));
    if (jobs.length === 0) return undefined;
    const failure = await carryOut(jobs);
    if (failure === undefined) {
      owed.clear();
      logger.info({ reverts: jobs.length }, "reverts that had run ahead are durable now");
    } else armRetry();
    return failure;
  }

  /** Takes what the log has and this state lacks: an append whose answer was lost may be in the log all the same. */
  async function readOn(): Promise<boolean> {
    try {
      for await (const logged of log.read(state.sequence)) take([logged]);
      unsure = false;
      return true;
    } catch (error) {
      seldom("read on", (times) => logger.error({ err: error, times }, "the log could not be read on"));
      return false;
    }
  }

  /** Patches that wait share an append; any other command has one of its own. */
  function takeBatch(): Job[] {
    const batch = queue.splice(0, 1);
    if (batch[0] === undefined || !isShared(batch[0].given)) return batch;
    while (queue[0] !== undefined && isShared(queue[0].given) && batch.length < 256) batch.push(...queue.splice(0, 1));
    return batch;
  }

  function decideBatch(jobs: readonly Job[]): Batch {
    const batch: Batch = { outcomes: [], events: [], answers: [] };
    const moved = new Map<string, DatasetLines>();
    /** Events whose lines nobody has asked for yet: after the last patch of a batch nobody does. */
    const unmoved: LoggedEvent[] = [];
    let working = state;
    const linesIn = (dataset: string): DatasetLines => moved.get(dataset) ?? linesOf(dataset);
    const view: Working = {
      get state() {
        return working;
      },
      lines(dataset) {
        for (const logged of unmoved.splice(0)) moveLines(moved, linesIn, logged);
        return linesIn(dataset);
      },
    };
    for (const job of jobs) {
      const executed = attempt(job, view);
      batch.outcomes.push({ job, executed });
      if (executed instanceof SluiceError) continue;
      unmoved.push(...executed.events);
      working = executed.state;
      batch.events.push(...executed.events);
      if (executed.events.length === 0) continue;
      for (const remember of job.remembers) {
        const { key, fingerprint } = remember;
        batch.answers.push({ key, fingerprint, answer: remember.answer(executed), at: clock.wall() });
      }
    }
    return batch;
  }

  function attempt({ given }: Job, working: Working): Executed | SluiceError {
    try {
      const nowMs = clock.wall();
      const asked = "build" in given ? given.build(working) : given.command;
      const { command, atMs } = asTaken(asked, (release) => marks.get(release)?.at, nowMs);
      const decided = decide(working.state, { by: given.by, command }, nowMs);
      const decision = withNextHolds(working.state, decided, nowMs, (release) => listeners.wantsHeld(release));
      if (decision.kind === "rejected") {
        return new SluiceError(decision.code, decision.message, { details: decision.details });
      }
      let after = working.state;
      const events = (decision.kind === "events" ? decision.events : []).map(({ by, event }) => {
        const logged = { sequence: after.sequence + 1, at: atMs, by, event };
        after = evolve(after, logged);
        return logged;
      });
      return { decision, events, state: after, durable: true };
    } catch (error) {
      if (isSluiceError(error)) return error;
      logger.error({ err: error }, "a command failed before it was appended");
      return new SluiceError("INTERNAL", "the command failed; the log of the instance says why", { cause: error });
    }
  }

  async function append(batch: Batch): Promise<SluiceError | undefined> {
    if (batch.events.length === 0) return undefined;
    try {
      await log.append({ expected: state.sequence, events: batch.events, answers: batch.answers });
      return undefined;
    } catch (error) {
      if (isSluiceError(error)) return error;
      return new SluiceError(
        "STORE_UNAVAILABLE",
        "the store did not confirm the change; look whether it happened before you give it again",
        {
          cause: error,
        },
      );
    }
  }

  function take(events: readonly LoggedEvent[]): void {
    if (events.length === 0) return;
    const before = state;
    for (const logged of events) {
      const after = evolve(state, logged);
      lines.fold(state, logged, after);
      state = after;
    }
    guardOff.follow(state, events);
    for (const release of marks.keys()) {
      const known = own(state.releases, release);
      if (known === undefined || !isActive(known)) marks.delete(release);
    }
    listeners.events(events, before);
  }

  function armRetry(): void {
    if (closed) return;
    retry ??= clock.setTimer(durableRetryMs, () => {
      retry = undefined;
      running ??= drain();
    });
  }

  async function executeRevert(
    given: GivenCommand,
    release: string,
    remember: Remember | undefined,
  ): Promise<Executed> {
    try {
      return await enqueue(asAnnounced(given, release), remember, true);
    } catch (error) {
      // A conflict is the store's: its log could not be read on.
      if (!isSluiceError(error, "STORE_UNAVAILABLE", "DISK_FULL", "CONFLICT")) throw error;
      owed.add(given, release, remember);
      armRetry();
      const message = "announced to every follower; it becomes durable when the store is back";
      return { decision: { kind: "unchanged", message, release, number: null }, events: [], state, durable: false };
    }
  }

  const present = createPresentedMarks({
    releaseOf: (id) => own(state.releases, id),
    isMarked: (id) => marks.has(id),
    revert(mark, given) {
      announce(isOfOneHost(mark.by) ? { ...mark, at: clock.wall() } : mark);
      return executeRevert(given, mark.release, undefined);
    },
    record: (given) => enqueue(given, undefined, false),
    logger,
  });

  return {
    state: () => state,
    lines: linesOf,
    marks: () => [...marks.values()].map(markOf),
    announced: () => [...marks.values()],
    isGuardOff: (release) => guardOff.isOff(state, release),
    async execute(given, remember) {
      if (closed) throw new SluiceError("CLOSED", "this instance is shutting down");
      const release = "command" in given ? announceRevert(given) : undefined;
      if (release !== undefined) {
        assert("command" in given, "a revert is no built command");
        return executeRevert(given, release, remember);
      }
      if (queue.length >= commandsWaitingMax) {
        throw new SluiceError("NOT_READY", `${commandsWaitingMax} commands wait already; try again`, {
          details: { commandsWaitingMax },
        });
      }
      return enqueue(given, remember, "command" in given && given.command.type === "revert");
    },
    present: (mark) => (closed ? undefined : present(mark)),
    subscribe: (listener) => listeners.subscribe(listener),
    async close() {
      closed = true;
      retry?.cancel();
      // Once more: followers that hold the marks would bring them back, but only when they come back themselves.
      if (owed.list().length > 0) running ??= drain();
      await running;
    },
  };
}
