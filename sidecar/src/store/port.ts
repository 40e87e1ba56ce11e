import type { LoggedEvent } from "@sluice/core";
import type { PatchMinute } from "@sluice/core/api";
import type { Blobs, BlobSpace } from "@sluice/replica";

/** Answer of a command that was given with an idempotency key. */
export interface RememberedAnswer {
  readonly key: string;
  /** Hash of the command, so that the same key for another command is noticed. */
  readonly fingerprint: string;
  /** JSON. */
  readonly answer: string;
  /** Milliseconds since the Unix epoch; forgotten `rememberedMs` later. */
  readonly at: number;
}

/** For how long an answer is remembered: 24 hours, that to a patch perhaps shorter (`Pruning.patchAnswersMax`). */
export const rememberedMs: number = 24 * 60 * 60 * 1000;

/** What is appended in one transaction. */
export interface Append {
  /** Sequence number of the last event that the caller has folded. */
  readonly expected: number;
  /** At least one, numbered `expected + 1`, `expected + 2`, … */
  readonly events: readonly LoggedEvent[];
  readonly answers: readonly RememberedAnswer[];
}

/** A checkpoint as a log lists it. */
export interface CheckpointHead {
  /** Of the last event that is folded into it. */
  readonly sequence: number;
  /** When it was taken, milliseconds since the Unix epoch. */
  readonly at: number;
  /** Of its text. */
  readonly bytes: number;
}

/** All that an origin needs to go on from a place in the log without what stands before it. */
export interface StoredCheckpoint {
  readonly sequence: number;
  readonly at: number;
  readonly text: string;
}

/** What a log may let go of. */
export interface Pruning {
  /** Patches from before this moment may go, milliseconds since the Unix epoch. */
  readonly patchesBefore: number;
  /** Those after this event stay all the same: a version that can still be gone back to is made of them. */
  readonly patchesAfter: number;
  /** Younger ones go too, the oldest first, where all of them together have more bytes of JSON than this. */
  readonly patchesBytesMax: number;
  /** So many answers to patches are kept, the newest; none is kept longer than `rememberedMs`. */
  readonly patchAnswersMax: number;
  /**
   * Publishes of lines that are out, are a candidate or are in quarantine, by dataset, as the control event of this number left
   * them. Contents that patches gave to other lines may go; none go where the log has a newer control event.
   */
  readonly lines: { readonly controlSequence: number; readonly publishes: Readonly<Record<string, readonly number[]>> };
  /** Room in the log's file that is kept for what comes, in bytes; what is free beyond it goes back to the disk. */
  readonly roomBytesMax: number;
}

/** What one step of pruning came to. */
export interface Pruned {
  readonly patches: number;
  readonly contents: number;
  readonly answers: number;
  /** Given back to the disk. */
  readonly bytes: number;
  /** Whether another step would find more. */
  readonly more: boolean;
}

/** What a log takes up. */
export interface LogSize {
  /** On the disk, what is free within it included. */
  readonly bytes: number;
  /** Bytes of JSON on the shelf of patches. */
  readonly patchesBytes: number;
}

/**
 * The log of a namespace, which is only ever appended to. Control events are one shelf and stay for ever, patches the other and
 * stay until they are in two checkpoints and old; there is one order over both.
 * Every method throws STORE_UNAVAILABLE or DISK_FULL where the store cannot answer; it may be called again later.
 */
export interface EventLog {
  /** Random, made with the log: a follower that holds another log's sequence numbers holds nothing of this one. */
  readonly id: string;
  /** Appends and syncs. Throws CONFLICT, with the true last sequence in the details, where `expected` is not the last. */
  append(append: Append): Promise<void>;
  /**
   * Events after a sequence number, in order, both shelves merged. Throws PRUNED, with the number of the last patch that is gone
   * in `details.through`, where that one stands after it.
   */
  read(after: number, options?: { limit?: number }): AsyncIterable<LoggedEvent>;
  /**
   * Control events, of one dataset or of all, oldest first: the first `limit` after `after` where it is given, so that a reader
   * goes on without a gap, and where not the newest `limit` before `before`. An event of a release counts to the release's dataset.
   */
  readControl(options: {
    after?: number;
    before?: number;
    dataset?: string;
    limit: number;
  }): Promise<readonly LoggedEvent[]>;
  /**
   * Patches of one dataset after a sequence number, oldest first, at most `limit`. Throws PRUNED where one of them has gone, with the
   * number of the last event that has in `details.through`.
   */
  readPatches(options: { dataset: string; after: number; limit: number }): Promise<readonly LoggedEvent[]>;
  /** The bases that lines of a dataset moved to, as far as they are still here: the first `limit` after a sequence number. */
  readRebases(options: { dataset: string; after: number; limit: number }): Promise<readonly LoggedEvent[]>;
  /** Minutes in which patches came, whether those are still here or not; `after` a minute's first sequence number, else as above. */
  readPatchMinutes(options: { after?: number; dataset?: string; limit: number }): Promise<readonly PatchMinute[]>;
  /** Publishes of the lines of a dataset that had this content when they were published, or through a patch as candidates. */
  linesWithContent(dataset: string, contentHash: string): Promise<readonly number[]>;
  /** Enters contents that patches gave to a stable line, which no event does: it is about to go into quarantine. */
  putContents(dataset: string, publish: number, contentHashes: readonly string[]): Promise<void>;
  /**
   * Keeps a checkpoint, in pieces that no append waits for long; the two newest are kept. It has to be of events that this log
   * has. One that a crash interrupted does not count.
   */
  putCheckpoint(checkpoint: StoredCheckpoint): Promise<void>;
  /** The newest first, at most two. */
  checkpoints(): Promise<readonly CheckpointHead[]>;
  /** The text of a checkpoint; null where it is gone or not what was written. */
  readCheckpoint(sequence: number): Promise<string | null>;
  /** Forgets a checkpoint that was found to be damaged, so that no patch is let go of for its sake. */
  dropCheckpoint(sequence: number): Promise<void>;
  /** One small step of letting go; an append waits a few milliseconds for it. No patch goes that is not in two checkpoints. */
  prune(pruning: Pruning): Promise<Pruned>;
  measure(): Promise<LogSize>;
  /** The answer remembered under an idempotency key within the last 24 hours. */
  remembered(key: string): Promise<RememberedAnswer | undefined>;
  /** Small JSON documents beside the log: cursors of sources, the guard's evidence. Not part of what is acknowledged. */
  getDocument(name: string): Promise<string | undefined>;
  putDocument(name: string, json: string): Promise<void>;
  deleteDocument(name: string): Promise<void>;
  /** Ends after the batch in flight. */
  close(): Promise<void>;
}

/** Where an origin keeps what it owns. */
export interface Store {
  readonly log: EventLog;
  readonly blobs: Blobs;
  /** Removes damaged copies that were set aside long ago and files that nobody will finish; answers what the blobs take up. */
  tidy(): Promise<BlobSpace>;
  close(): Promise<void>;
}
