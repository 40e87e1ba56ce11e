import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, DatasetState, LoggedEvent } from "@sluice/core";
import { activeRelease, assert, decide, isSluiceError, own, SluiceError } from "@sluice/core";
import { type Blobs, createShelf } from "@sluice/replica";
import type { Logger } from "pino";
import type { BlobKeeper } from "../blob-keeper.ts";
import type { BuiltCommand } from "../built-command.ts";
import type { Commands, Executed } from "../commands.ts";
import { spoolError } from "../publish/spool-files.ts";
import { createTurns } from "../publish/turns.ts";
import type { Bench, Workbench } from "../publish/workbench.ts";
import type { EventLog } from "../store/port.ts";
import { choiceNeeded } from "./choice.ts";
import { type CompareWork, compareWithStable, contentOf } from "./difference.ts";
import { createPending } from "./pending.ts";
import { presenceSince } from "./presence.ts";
import { createReplay, type Replay } from "./replay.ts";
import { takenBackOf } from "./taken-back.ts";
import { findTarget, type Target } from "./target.ts";
import { commandNow, overtaken, prove, type Restore, type RestoreRequest, type Task } from "./task.ts";
import type { VersionHistory } from "./version-history.ts";
import { createWorkedOut } from "./worked-out.ts";

/** How many restores may wait behind the one that is at work; one more is refused with NOT_READY. */
const restoresWaitingMax = 8;

/** How often an older version is worked out again because another line became stable meanwhile. */
const attemptsMax = 3;

/** Patches that are replayed without a turn for anybody else: some two milliseconds. */
const patchesPerTurn = 128;

/** Patches that may be left for the moment of the append, in which nobody else has a turn; and how often that is tried for. */
const leftMax = 32;
const catchUpsMax = 50;

/** Brings older versions back. */
export interface Restorer {
  /**
   * Makes what was stable the stable version again, under a new number, and reverts what runs or bakes in the same append. Where that
   * is all there is to do it is a plain revert, which runs ahead of the log and keeps every patch.
   * Throws CHOICE_NEEDED where `mode` is null and something would be dropped, with what in the details; PRUNED, saying from when on
   * versions can be had; VALIDATION for what never was stable, QUARANTINED, CONFLICT, NOT_READY, CORRUPT and what the store throws.
   */
  restore(request: RestoreRequest): Promise<Executed>;
  /** Ends what runs and waits with CLOSED. */
  close(): Promise<void>;
}

/** What a restorer is made with. */
export interface RestorerDependencies {
  readonly commands: Commands;
  readonly history: VersionHistory;
  readonly log: Pick<EventLog, "readPatches" | "readPatchMinutes" | "putContents">;
  readonly keeper: Pick<BlobKeeper, "blobs" | "during">;
  readonly workbench: Workbench;
  /** Where a bench keeps what it has in hand; null keeps it in memory. */
  readonly spoolDirectory: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly yieldNow: () => Promise<void>;
}

/** Makes one; one restore is at work at a time. */
export function createRestorer(dependencies: RestorerDependencies): Restorer {
  const { commands, history, log, keeper, workbench, spoolDirectory, clock, logger, yieldNow } = dependencies;
  const blobs: Blobs = keeper.blobs;
  const turns = createTurns({ runningMax: 1, waitingMax: restoresWaitingMax });
  const closing = new AbortController();
  const atWork = new Set<Promise<unknown>>();
  let benches = 0;

  function datasetOf(name: string): DatasetState {
    const dataset = own(commands.state().datasets, name);
    if (dataset !== undefined) return dataset;
    throw new SluiceError("DATASET_UNKNOWN", `there is no dataset ${name}`, {
      details: { datasets: Object.keys(commands.state().datasets).slice(0, 20) },
    });
  }

  async function attempt(request: RestoreRequest): Promise<Executed> {
    const target = await find(request);
    const { mode } = request;
    const settled = await settledAlready(request, target);
    if (settled !== undefined) return settled;
    return withTask(request, target, mode ?? "exact", async (task, work) => {
      await catchUp(task);
      const command = commandNow(task, commands.state(), { base: task.replay.values.base, overlay: null });
      const foreseen = await settledBy(request, command);
      if (foreseen !== undefined) return foreseen;
      if (mode !== null) return give(task, work);
      throw choiceNeeded({
        dataset: datasetOf(request.dataset),
        number: target.number,
        dropped: command.dropped,
        patches: task.replay.dropped(),
        difference: task.difference.difference,
        exact: task.mode === "exact",
      });
    });
  }

  /** Asked before anything is written, or anybody has to choose: what it comes to where nothing has to be restored. Throws a refusal. */
  async function settledBy(request: RestoreRequest, command: Restore): Promise<Executed | undefined> {
    const state = commands.state();
    const decision = decide(state, { by: request.by, command }, clock.wall());
    if (decision.kind === "rejected") {
      throw new SluiceError(decision.code, decision.message, { details: decision.details });
    }
    if (decision.kind === "unchanged") return { decision, events: [], state, durable: true };
    if (decision.events.some(({ event }) => event.type === "version-restored")) return undefined;
    const { release } = datasetOf(request.dataset);
    assert(release !== null, "a restore that brings nothing back takes a release back");
    return takeBack(request, release);
  }

  /** The plain revert of what runs or bakes, which runs ahead of the log. */
  async function takeBack({ by, reason, remember }: RestoreRequest, release: string): Promise<Executed> {
    const command = { type: "revert", target: { release }, cause: { reason, evidence: null } } as const;
    return commands.execute({ by, command }, remember);
  }

  async function find({ dataset: name, to }: RestoreRequest): Promise<Target> {
    if (datasetOf(name).stable === null) {
      throw new SluiceError("VERSION_NONE", `${name} has no version yet; publish one first`);
    }
    const lines = await history.lines(name);
    const search = { log, dataset: datasetOf(name), lines, windowStart: history.windowStart(), now: clock.wall() };
    return findTarget(search, to);
  }

  /** What is done without any work: a pointer goes back, or nothing has to. */
  async function settledAlready(request: RestoreRequest, { line, number }: Target): Promise<Executed | undefined> {
    const { dataset: name, mode } = request;
    const { stable, release } = datasetOf(name);
    if (stable === null || stable.publish !== line.publish) return undefined;
    const isNewest = number === stable.number || mode === "reapply";
    const isPublish = release !== null && number === stable.publish && mode === null;
    if (!isNewest && !isPublish) return undefined;
    if (release !== null) return takeBack(request, release);
    const message = `v${stable.number} of ${name} is stable already${number === stable.number ? "" : ` and has all patches since v${number}`}`;
    const decision = { kind: "unchanged", message, release: null, number: stable.number } as const;
    return { decision, events: [], state: commands.state(), durable: true };
  }

  /** Works the version out, as exactly as it is wanted; where nobody has said how, as far as it can be had. */
  async function withTask(
    request: RestoreRequest,
    target: Target,
    mode: Restore["mode"],
    use: (task: Task, work: CompareWork) => Promise<Executed>,
  ): Promise<Executed> {
    try {
      return await withBench((bench) => workOut(request, target, mode, bench, use));
    } catch (error) {
      if (request.mode !== null || mode === "reapply" || !isSluiceError(error, "PRUNED")) throw error;
      return withBench((bench) => workOut(request, target, "reapply", bench, use));
    }
  }

  async function workOut(
    request: RestoreRequest,
    { line: { publish }, number }: Target,
    mode: Restore["mode"],
    bench: Bench,
    use: (task: Task, work: CompareWork) => Promise<Executed>,
  ): Promise<Executed> {
    const { dataset: name } = request;
    const work: CompareWork = { bench, blobs, signal: closing.signal, yieldNow };
    const shelf = createShelf({ blobs, clock });
    const pending = createPending(commands, name);
    try {
      const { sequence } = commands.state();
      const held = commands.lines(name).stable;
      if (held === null || held.number !== datasetOf(name).stable?.number) {
        throw new SluiceError(
          "CORRUPT",
          `the stable version of ${name} cannot be read here, so nothing can be compared with it; sluice status names what is missing`,
        );
      }
      // On a shelf of its own, whose files stay open however the lines move meanwhile.
      const stable = shelf.unpack({ number: held.number, ...held.content() });
      const lines = await history.lines(name);
      const line = lines.find((its) => its.publish === publish);
      if (line === undefined || pending.moved) throw overtaken(name);
      const takenBack = new Map(takenBackOf(lines, line).map((its) => [its.line.publish, its.published.publish]));
      const presence = presenceSince(lines, { line, number: mode === "exact" ? number : line.publish });
      const replay = createReplay(shelf, { dataset: name, lines, line, number, mode, takenBack, presence });
      await replayUntil(replay, request, sequence);
      const difference = await compareWithStable(work, stable, replay.values);
      prove(name, number, mode, replay, difference);
      const worked = await createWorkedOut(replay, stable, difference, yieldNow);
      const target = { line, number };
      return await use({ request, target, mode, lines, stable, presence, replay, difference, worked, pending }, work);
    } finally {
      pending.close();
      shelf.close();
    }
  }

  /** Takes the patches of the log up to an event, a few at a time. */
  async function replayUntil(replay: Replay, request: RestoreRequest, sequence: number): Promise<void> {
    for (let after = replay.after; after < sequence; ) {
      const page = await patchesOf(replay, request.dataset, after);
      if (typeof page === "number") {
        after = page;
        continue;
      }
      for (const logged of page) if (logged.sequence <= sequence) replay.take(logged);
      await enterContents(replay, request);
      await yieldNow();
      throwIfClosing();
      if (page.length < patchesPerTurn) return;
      after = page.at(-1)?.sequence ?? sequence;
    }
  }

  /** Patches in a row; the number of an event to go on after where those before it have gone and nothing is made of them. */
  async function patchesOf(replay: Replay, dataset: string, after: number): Promise<readonly LoggedEvent[] | number> {
    try {
      return await log.readPatches({ dataset, after, limit: patchesPerTurn });
    } catch (error) {
      if (!isSluiceError(error, "PRUNED")) throw error;
      const { through } = error.details;
      if (replay.isComplete() && typeof through === "number") return through;
      throw new SluiceError(
        "PRUNED",
        `patches of ${dataset} that the version is made of are not kept any more (--keep-patches); a later one, or one as it was published, can be had`,
        { details: error.details, cause: error },
      );
    }
  }

  /** What a line that is taken back ever had has to be known before its mark is: a quarantine is asked for it from then on. */
  async function enterContents(replay: Replay, { dataset, mode }: RestoreRequest): Promise<void> {
    for (const [publish, contentHashes] of replay.drainContents()) {
      // Who only asks is answered on a full disk too.
      if (mode !== null) await log.putContents(dataset, publish, contentHashes);
    }
  }

  /** Takes what came meanwhile a few at a time, but for the last of it. */
  async function catchUp({ request, replay, worked, pending }: Task): Promise<void> {
    for (let round = 0; round < catchUpsMax && pending.waiting > leftMax; round++) {
      for (const logged of pending.take(patchesPerTurn)) worked.take(logged);
      await enterContents(replay, request);
      await yieldNow();
    }
  }

  async function give(task: Task, work: CompareWork): Promise<Executed> {
    const { request, target, stable, replay, difference } = task;
    const { dataset, by, remember } = request;
    const files = await contentOf(work, stable.base, replay.values.base, difference);
    await catchUp(task);
    const given: BuiltCommand = {
      by,
      // Patches that shared its append would be none that this has heard of.
      alone: true,
      build(working) {
        if (working.lines(dataset).stable === null) throw overtaken(dataset);
        return commandNow(task, working.state, files);
      },
    };
    const executed = await commands.execute(given, remember);
    await enterContents(replay, request);
    logger.info({ dataset, restored: target.number, mode: task.mode }, "an older version is back");
    return executed;
  }

  async function withBench<T>(use: (bench: Bench) => Promise<T>): Promise<T> {
    const directory = spoolDirectory === null ? null : join(spoolDirectory, `restore-${++benches}`);
    if (directory !== null) {
      await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
        throw spoolError(error);
      });
    }
    const bench = workbench.open(directory);
    try {
      return await use(bench);
    } finally {
      await bench.close();
      if (directory !== null) await rm(directory, { recursive: true, force: true });
      await workbench.rest();
    }
  }

  function throwIfClosing(): void {
    if (closing.signal.aborted) throw new SluiceError("CLOSED", "this instance is shutting down");
  }

  /** What runs is taken back although nothing can be written down: whoever goes further back does not want that either. */
  async function withoutStore(request: RestoreRequest, error: SluiceError): Promise<SluiceError> {
    const { dataset: name, mode } = request;
    const release = activeRelease(commands.state(), name);
    if (release === undefined) return error;
    const { code, message, details } = error;
    if (mode === null) {
      const text = `${message}; what runs is taken back at once even now by: sluice revert ${name}`;
      return new SluiceError(code, text, { details, cause: error });
    }
    await takeBack({ ...request, remember: undefined }, release.id);
    const reverted = `v${release.candidatePublish} of ${name} is reverted, everybody is on the version before it`;
    const older =
      code === "DISK_FULL"
        ? "give it again for the older one when there is room"
        : `whether an older one is back sluice status ${name} says`;
    const text = `${reverted}; ${older}: ${message}`;
    return new SluiceError(code, text, { details: { ...details, reverted: release.id }, cause: error });
  }

  async function restore(request: RestoreRequest): Promise<Executed> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await keeper.during(() => attempt(request));
      } catch (error) {
        if (isSluiceError(error, "DISK_FULL", "STORE_UNAVAILABLE")) throw await withoutStore(request, error);
        if (!isSluiceError(error, "CONFLICT") || attempts === attemptsMax) throw error;
        logger.info(
          { dataset: request.dataset, attempts },
          "another line became stable; the older version is worked out again",
        );
      }
    }
  }

  return {
    async restore(request) {
      const work = turns.take(request.dataset, closing.signal, () => restore(request));
      atWork.add(work);
      try {
        return await work;
      } finally {
        atWork.delete(work);
      }
    },
    async close() {
      closing.abort();
      await Promise.allSettled(atWork);
    },
  };
}
