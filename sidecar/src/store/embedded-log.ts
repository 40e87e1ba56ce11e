import { type Clock, type LoggedEvent, SluiceError } from "@sluice/core";
import { errorOf } from "../thread-calls.ts";
import type { LogWorker } from "./log-worker.ts";
import { assertNumbered } from "./numbering.ts";
import type { EventLog, StoredCheckpoint } from "./port.ts";
import type { Write } from "./worker-messages.ts";

/** What may wait for the batch in flight, in bytes of JSON; beyond it, writes are refused until the disk has caught up. */
const waitingBytesMax = 64 * 1024 * 1024;

/** A checkpoint is written in pieces of this size, one to a batch. */
const pieceBytesMax = 128 * 1024;

/** How many contents are entered at a time: an append waits a few milliseconds for them. */
const contentsPerWrite = 512;

/** How many events are read at a time. */
const pageEventsMax = 1000;

interface WaitingWrite {
  readonly write: Write;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The event log of one directory, over the thread that owns its file. One batch is in flight; what is written meanwhile is the
 * next batch, committed and synced together, in which an append that conflicts fails alone.
 */
export function createEmbeddedLog(worker: LogWorker, clock: Pick<Clock, "wall">): EventLog {
  let waiting: WaitingWrite[] = [];
  let waitingBytes = 0;
  let flying: Promise<void> | null = null;
  let closing: Promise<void> | null = null;

  const assertOpen = (): void => {
    if (closing !== null) throw new SluiceError("CLOSED", "the store is closed");
  };

  const commit = async (batch: readonly WaitingWrite[]): Promise<void> => {
    const writes = batch.map(({ write }) => write);
    try {
      const faults = await worker.call("write", { writes, nowMs: clock.wall() });
      batch.forEach(({ resolve, reject }, index) => {
        const fault = faults[index];
        if (fault === null || fault === undefined) resolve();
        else reject(errorOf(fault));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  const fly = async (): Promise<void> => {
    // Whoever writes in this turn of the event loop is in the first batch.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      waitingBytes = 0;
      await commit(batch);
    }
    flying = null;
  };

  const enqueue = (write: Write, bytes: number): Promise<void> =>
    new Promise((resolve, reject) => {
      if (waiting.length > 0 && waitingBytes + bytes > waitingBytesMax) {
        const message = `the store is behind: ${waitingBytesMax} bytes wait to be written; try again`;
        reject(new SluiceError("STORE_UNAVAILABLE", message, { details: { waitingBytesMax } }));
        return;
      }
      waiting.push({ write, bytes, resolve, reject });
      waitingBytes += bytes;
      flying ??= fly();
    });

  const writeCheckpoint = async ({ sequence, at, text }: StoredCheckpoint): Promise<void> => {
    const bytes = Buffer.from(text);
    const pieces = Math.max(1, Math.ceil(bytes.byteLength / pieceBytesMax));
    for (let piece = 0; piece < pieces; piece++) {
      const slice = bytes.subarray(piece * pieceBytesMax, (piece + 1) * pieceBytesMax);
      await enqueue({ kind: "checkpoint-piece", sequence, piece, bytes: slice }, slice.byteLength);
      assertOpen();
    }
    await enqueue({ kind: "seal-checkpoint", sequence, at, pieces, bytes: bytes.byteLength }, 0);
  };

  return {
    id: worker.logId,
    async append(append) {
      assertOpen();
      assertNumbered(append);
      const { expected, answers } = append;
      const events = append.events.map((logged) => JSON.stringify(logged));
      const texts = [...events, ...answers.map(({ answer }) => answer)];
      const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      await enqueue({ kind: "append", expected, events, answers }, bytes);
    },
    async *read(after, options = {}) {
      let position = after;
      let left = options.limit ?? Number.POSITIVE_INFINITY;
      while (left > 0) {
        assertOpen();
        const page = await worker.call("read", { after: position, eventsMax: Math.min(left, pageEventsMax) });
        for (const json of page.events) yield parse(json);
        position += page.events.length;
        left -= page.events.length;
        if (page.end) return;
      }
    },
    async readControl({ after, before, dataset, limit }) {
      assertOpen();
      const query = { after: after ?? null, before: before ?? null, dataset: dataset ?? null, limit };
      const events = await worker.call("read-control", query);
      return events.map(parse);
    },
    async readPatches(query) {
      assertOpen();
      return (await worker.call("read-places", { ...query, rebased: false })).map(parse);
    },
    async readRebases(query) {
      assertOpen();
      return (await worker.call("read-places", { ...query, rebased: true })).map(parse);
    },
    async readPatchMinutes({ after, dataset, limit }) {
      assertOpen();
      return worker.call("read-patch-minutes", { after: after ?? null, dataset: dataset ?? null, limit });
    },
    async putCheckpoint({ sequence, at, text }) {
      assertOpen();
      try {
        await writeCheckpoint({ sequence, at, text });
      } catch (error) {
        // On a full disk its pieces would lie there until the next one is whole.
        if (closing === null) await enqueue({ kind: "drop-pieces" }, 0).catch(() => undefined);
        throw error;
      }
    },
    async checkpoints() {
      assertOpen();
      return worker.call("checkpoints", null);
    },
    async readCheckpoint(sequence) {
      assertOpen();
      return worker.call("read-checkpoint", { sequence });
    },
    async dropCheckpoint(sequence) {
      assertOpen();
      await enqueue({ kind: "drop-checkpoint", sequence }, 0);
    },
    async prune(pruning) {
      assertOpen();
      return worker.call("prune", { pruning, nowMs: clock.wall() });
    },
    async measure() {
      assertOpen();
      return worker.call("measure", null);
    },
    async linesWithContent(dataset, contentHash) {
      assertOpen();
      return worker.call("lines-with-content", { dataset, contentHash });
    },
    async putContents(dataset, publish, contentHashes) {
      assertOpen();
      for (let start = 0; start < contentHashes.length; start += contentsPerWrite) {
        const some = contentHashes.slice(start, start + contentsPerWrite);
        await enqueue({ kind: "put-contents", dataset, publish, contentHashes: some }, 64 * some.length);
      }
    },
    async remembered(key) {
      assertOpen();
      return (await worker.call("remembered", { key, nowMs: clock.wall() })) ?? undefined;
    },
    async getDocument(name) {
      assertOpen();
      return (await worker.call("get-document", { name })) ?? undefined;
    },
    async putDocument(name, json) {
      assertOpen();
      await enqueue({ kind: "put-document", name, json }, Buffer.byteLength(json));
    },
    async deleteDocument(name) {
      assertOpen();
      await enqueue({ kind: "delete-document", name }, 0);
    },
    close() {
      closing ??= (flying ?? Promise.resolve()).then(() => worker.close());
      return closing;
    },
  };
}

/** What this program wrote, proven by the checksum of its row. */
function parse(json: string): LoggedEvent {
  return JSON.parse(json) as LoggedEvent;
}
