import type { Clock, Timer } from "@sluice/core";
import { isOnPatchShelf } from "@sluice/core";
import type { Lines } from "@sluice/replica";
import type { Logger } from "pino";
import type { Commands } from "./commands.ts";
import type { OriginCheckpoint } from "./origin-checkpoint.ts";
import { blobsOfCheckpoint, checkpointText, parseCheckpoint } from "./origin-checkpoint.ts";
import type { CheckpointHead, EventLog } from "./store/port.ts";

/** How soon after a control event a checkpoint is taken, in milliseconds. */
const controlMs = 250;

/** How long patches are gathered for one, in milliseconds; a restart folds what came in between, some hundreds of patches. */
const patchesMs = 3_000;

/** Time between two checkpoints at least, in milliseconds, whatever happens. */
const pauseMs = 1_000;

/** Taking one keeps the main thread for at most this share of the time. */
const dutyShare = 50;

/** So much is written to the disk for checkpoints at most, in bytes a millisecond: 1 MiB a second. */
const bytesEachMs = 1_048;

/** Pause after one that could not be written, in milliseconds. */
const retryMs = 10_000;

/** Takes an origin's checkpoints in the background. */
export interface Checkpointer {
  /** The newest that is durable; null before the first. */
  last(): CheckpointHead | null;
  /** Blobs that the checkpoints in the store name. Throws what the store throws. */
  blobs(): Promise<ReadonlySet<string>>;
  /** Takes one more where something has happened since, so that the next start folds nothing. Never throws. */
  close(): Promise<void>;
}

/**
 * Takes one soon after each control event, and every few seconds while patches flow. What it names is durable before: only what
 * the log has is in the state, and the log has nothing before its blobs.
 */
export async function createCheckpointer(dependencies: {
  readonly log: Pick<EventLog, "putCheckpoint" | "checkpoints" | "readCheckpoint">;
  readonly commands: Pick<Commands, "state" | "subscribe">;
  readonly lines: Pick<Lines, "pack">;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<Checkpointer> {
  const { log, commands, lines, clock, logger } = dependencies;
  const known = new Map<string, readonly string[]>();
  let last: CheckpointHead | null = (await log.checkpoints())[0] ?? null;
  let timer: Timer | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let freeMs = 0;
  let writing: Promise<void> | undefined;
  let failing = false;
  let closed = false;

  const arm = (delayMs: number): void => {
    const atMs = Math.max(clock.now() + delayMs, freeMs);
    if (closed || writing !== undefined || atMs >= dueMs) return;
    timer?.cancel();
    dueMs = atMs;
    timer = clock.setTimer(atMs - clock.now(), () => {
      dueMs = Number.POSITIVE_INFINITY;
      writing = take().finally(() => {
        writing = undefined;
        if (isBehind()) arm(patchesMs);
      });
    });
  };

  const isBehind = (): boolean => commands.state().sequence > (last?.sequence ?? 0);

  const take = async (): Promise<void> => {
    const startMs = clock.now();
    const packed = lines.pack();
    if (packed === null) {
      // Without a checkpoint no patch is let go of, so that nothing is lost while somebody mends it.
      say(null, "a version is broken, so that no checkpoint can be taken; patches are kept until it is mended");
      freeMs = startMs + retryMs;
      return;
    }
    const checkpoint: OriginCheckpoint = { state: commands.state(), lines: packed };
    const { sequence } = checkpoint.state;
    const text = checkpointText(checkpoint);
    const tookMs = clock.now() - startMs;
    const head = { sequence, at: clock.wall(), bytes: Buffer.byteLength(text) };
    freeMs = startMs + Math.max(pauseMs, dutyShare * tookMs, head.bytes / bytesEachMs);
    try {
      await log.putCheckpoint({ sequence, at: head.at, text });
      last = head;
      known.set(keyOf(head), blobsOfCheckpoint(checkpoint));
      if (failing) logger.info({ sequence }, "checkpoints are taken again");
      failing = false;
    } catch (error) {
      say(error, "a checkpoint could not be written; it is tried again, and patches are kept meanwhile");
      freeMs = clock.now() + retryMs;
    }
  };

  /** Once until it is well again. */
  const say = (error: unknown, message: string): void => {
    if (!failing) logger.error(error === null ? {} : { err: error }, message);
    failing = true;
  };

  const unsubscribe = commands.subscribe({
    events(events) {
      arm(events.every(({ event }) => isOnPatchShelf(event)) ? patchesMs : controlMs);
    },
  });
  if (isBehind()) arm(patchesMs);

  return {
    last: () => last,
    async blobs() {
      const heads = await log.checkpoints();
      const names = new Map<string, readonly string[]>();
      for (const head of heads) names.set(keyOf(head), known.get(keyOf(head)) ?? (await blobsIn(log, head.sequence)));
      for (const key of known.keys()) if (!names.has(key)) known.delete(key);
      for (const [key, its] of names) known.set(key, its);
      return new Set([...names.values()].flat());
    },
    async close() {
      closed = true;
      unsubscribe();
      timer?.cancel();
      await writing;
      if (isBehind()) await take();
    },
  };
}

function keyOf({ sequence, at, bytes }: CheckpointHead): string {
  return `${sequence} ${at} ${bytes}`;
}

/** One that is damaged names nothing that anybody could go on from. */
async function blobsIn(log: Pick<EventLog, "readCheckpoint">, sequence: number): Promise<readonly string[]> {
  const text = await log.readCheckpoint(sequence);
  if (text === null) return [];
  return parseCheckpoint(text).then(blobsOfCheckpoint, () => []);
}
