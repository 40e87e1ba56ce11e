import type { Clock, Timer } from "@sluice/core";
import { filesOfBase } from "@sluice/core";
import type { StoreStatus } from "@sluice/core/api";
import type { BlobSpace, Lines } from "@sluice/replica";
import { createSweeper } from "@sluice/replica";
import type { Logger } from "pino";
import type { BlobKeeper } from "./blob-keeper.ts";
import { createCheckpointer } from "./checkpointer.ts";
import type { Commands } from "./commands.ts";
import { changesOf } from "./origin-checkpoint.ts";
import type { RetentionLimits } from "./retention.ts";
import { createRetention } from "./retention.ts";
import type { VersionHistory } from "./restore/version-history.ts";
import type { Store } from "./store/port.ts";

/** How often the directory of blobs is tidied and measured, in milliseconds. */
const tidyMs = 600_000;

/** What an origin does for its store in the background: checkpoints, pruning, sweeping. */
export interface Upkeep {
  status(): StoreStatus;
  /** Takes a last checkpoint; to be called when nothing is appended any more. */
  close(): Promise<void>;
}

/** Starts all of it. Whatever fails is said in the log of the process and tried again; nothing waits for it. */
export async function createUpkeep(dependencies: {
  readonly store: Store;
  readonly keeper: BlobKeeper;
  readonly commands: Commands;
  readonly lines: Lines;
  /** What can still be gone back to. */
  readonly history: VersionHistory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RetentionLimits;
}): Promise<Upkeep> {
  const { store, keeper, commands, lines, history, clock, logger, limits } = dependencies;
  const { log, blobs } = store;
  const checkpointer = await createCheckpointer({ log, commands, lines, clock, logger });
  const retention = createRetention({ log, commands, history, clock, logger, limits });

  const needed = async (): Promise<ReadonlySet<string>> => {
    const [named, published] = [await checkpointer.blobs(), await history.blobs()];
    // What is out comes last: it may have changed while the log was asked.
    const current = [...lines.versions()].flatMap(({ base }) => filesOfBase(base).map(({ name }) => name));
    return new Set([...named, ...published, ...current, ...lines.waitingBlobs(), ...changesOf(commands.state())]);
  };
  const sweeper = createSweeper({
    blobs: { ...blobs, delete: (name) => keeper.delete(name) },
    clock,
    needed,
    spares: (name, sinceMs) => keeper.spares(name, sinceMs),
    onError: (error) => logger.error({ err: error }, "blobs could not be swept; it is tried again"),
  });
  sweeper.start();
  const tidying = createTidying(store, clock, logger);

  return {
    status: () => ({ checkpoint: checkpointer.last(), log: retention.logSize(), blobs: tidying.space() }),
    async close() {
      sweeper.close();
      tidying.close();
      await retention.close();
      await checkpointer.close();
    },
  };
}

function createTidying(
  store: Pick<Store, "tidy">,
  clock: Clock,
  logger: Logger,
): { space(): BlobSpace | null; close(): void } {
  let space: BlobSpace | null = null;
  let timer: Timer | undefined;
  let closed = false;

  const tidy = async (): Promise<void> => {
    try {
      space = await store.tidy();
    } catch (error) {
      logger.warn({ err: error }, "the directory of blobs could not be tidied; it is tried again");
    }
    if (!closed) arm(tidyMs);
  };
  const arm = (delayMs: number): void => {
    timer = clock.setTimer(delayMs, () => void tidy());
  };
  // Not at once: an instance that has just started has better things to do.
  arm(tidyMs / 10);

  return {
    space: () => space,
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
