import type { Clock, NamespaceState, Timer } from "@sluice/core";
import { own, sleep } from "@sluice/core";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { VersionHistory } from "./restore/version-history.ts";
import type { EventLog, LogSize, Pruning } from "./store/port.ts";

/** What an origin keeps, and for how long. */
export interface RetentionLimits {
  /** Patches stay in the log for so long after a checkpoint has them, in milliseconds; longer where a version is made of them. */
  readonly keepPatchesMs: number;
  /** Bytes of patches beyond which younger ones go too, the oldest first. */
  readonly keepPatchesBytesMax: number;
  /** What was stable or published within so long can be gone back to, in milliseconds. */
  readonly keepVersionsMs: number;
}

/** A day, 1 GiB, a day. */
export const defaultRetention: RetentionLimits = {
  keepPatchesMs: 86_400_000,
  keepPatchesBytesMax: 2 ** 30,
  keepVersionsMs: 86_400_000,
};

/** Answers to patches that are kept for their idempotency keys: some 300 bytes each, 150 MB in all; at 100 a second 83 minutes. */
const patchAnswersMax = 500_000;

/** Room in the log's file for what comes next, such as the next checkpoint, in bytes. */
const roomBytesMax = 16 * 1024 * 1024;

/** How often the log is looked through, in milliseconds. */
const pruneMs = 10_000;

/** Pruning takes at most one part in so many of the time of the log's thread. */
const dutyShare = 4;

/** Keeps the log from growing without end. */
export interface Retention {
  /** What the log took up when it was last looked through; null before that. */
  logSize(): LogSize | null;
  /** Ends after the step in flight. */
  close(): Promise<void>;
}

/** Lets go of what `limits` do not keep, in small steps. A store that fails is tried again the next time. */
export function createRetention(dependencies: {
  readonly log: Pick<EventLog, "prune" | "measure">;
  readonly commands: Pick<Commands, "state">;
  readonly history: Pick<VersionHistory, "ready" | "patchesAfter" | "publishes">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: Pick<RetentionLimits, "keepPatchesMs" | "keepPatchesBytesMax">;
}): Retention {
  const { log, commands, history, clock, logger, limits } = dependencies;
  const closing = new AbortController();
  let timer: Timer | undefined;
  let size: LogSize | null = null;
  let failing = false;
  let looking: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    await history.ready();
    const sum = { patches: 0, contents: 0, answers: 0, bytes: 0 };
    for (let more = true; more && !closing.signal.aborted; ) {
      const startMs = clock.now();
      const step = await log.prune(pruningOf(commands.state(), history, clock.wall(), limits));
      for (const key of ["patches", "contents", "answers", "bytes"] as const) sum[key] += step[key];
      more = step.more;
      if (more) await sleep(clock, (dutyShare - 1) * (clock.now() - startMs), { signal: closing.signal });
    }
    if (Object.values(sum).some((count) => count > 0)) logger.debug(sum, "let go of what is not kept");
    if (!closing.signal.aborted) size = await log.measure();
  };

  const tryLook = async (): Promise<void> => {
    try {
      await look();
      failing = false;
    } catch (error) {
      if (!failing && !closing.signal.aborted) {
        logger.error({ err: error }, "the log could not be pruned; it is tried again");
      }
      failing = true;
    }
    if (!closing.signal.aborted) arm();
  };

  const arm = (): void => {
    timer = clock.setTimer(pruneMs, () => {
      looking = tryLook();
    });
  };
  arm();

  return {
    logSize: () => size,
    async close() {
      closing.abort();
      timer?.cancel();
      await looking;
    },
  };
}

function pruningOf(
  state: NamespaceState,
  history: Pick<VersionHistory, "patchesAfter" | "publishes">,
  nowMs: number,
  { keepPatchesMs, keepPatchesBytesMax }: Pick<RetentionLimits, "keepPatchesMs" | "keepPatchesBytesMax">,
): Pruning {
  const kept = history.publishes();
  const publishes = Object.entries(state.datasets).map(([name, { stable, candidate, quarantine }]) => {
    const its = [stable, candidate, ...quarantine].flatMap((line) => (line === null ? [] : [line.publish]));
    return [name, [...its, ...(own(kept, name) ?? [])]] as const;
  });
  return {
    patchesBefore: nowMs - keepPatchesMs,
    patchesAfter: history.patchesAfter(),
    patchesBytesMax: keepPatchesBytesMax,
    patchAnswersMax,
    lines: { controlSequence: state.controlSequence, publishes: Object.fromEntries(publishes) },
    roomBytesMax,
  };
}
