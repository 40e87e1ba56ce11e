import type { LoggedEvent } from "@sluice/core";
import type { Blobs } from "@sluice/replica";

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

/** For how long an answer is remembered: 24 hours. */
export const rememberedMs: number = 24 * 60 * 60 * 1000;

/** What is appended in one transaction. */
export interface Append {
  /** Sequence number of the last event that the caller has folded. */
  readonly expected: number;
  /** At least one, numbered `expected + 1`, `expected + 2`, … */
  readonly events: readonly LoggedEvent[];
  readonly answers: readonly RememberedAnswer[];
}

/**
 * The append-only log of a namespace. Control events are one shelf, patches the other; there is one order over both.
 * Every method throws STORE_UNAVAILABLE or DISK_FULL where the store cannot answer; it may be called again later.
 */
export interface EventLog {
  /** Random, made with the log: a follower that holds another log's sequence numbers holds nothing of this one. */
  readonly id: string;
  /** Appends and syncs. Throws CONFLICT, with the true last sequence in the details, where `expected` is not the last. */
  append(append: Append): Promise<void>;
  /** Events after a sequence number, in order, both shelves merged. */
  read(after: number, options?: { limit?: number }): AsyncIterable<LoggedEvent>;
  /**
   * Control events, of one dataset or of all, oldest first: the first `limit` after `after` where it is given, so that a reader
   * goes on without a gap, and the newest `limit` where not. An event of a release counts to the release's dataset.
   */
  readControl(options: { after?: number; dataset?: string; limit: number }): Promise<readonly LoggedEvent[]>;
  /** Publishes of the lines of a dataset that ever had this content, through publish or patch. */
  linesWithContent(dataset: string, contentHash: string): Promise<readonly number[]>;
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
  close(): Promise<void>;
}
