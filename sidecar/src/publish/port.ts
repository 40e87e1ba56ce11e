import type { Actor, Clock, GivenCommand, NamespaceState, ReleaseRequest, SluiceError } from "@sluice/core";
import type { PublishAnswer } from "@sluice/core/api";
import type { Blobs, DatasetLines } from "@sluice/replica";
import type { Logger } from "pino";
import type { Executed, Remember } from "../commands.ts";
import type { Mending } from "../mending.ts";
import type { EventLog } from "../store/port.ts";
import type { Workbench } from "./workbench.ts";

/** How an upload is written: a line of `{"key", "value"}` for each item, or one JSON object of key to value. */
export type UploadFormat = "ndjson" | "object";

/** Bytes that are to become a version. */
export interface Upload {
  readonly dataset: string;
  readonly by: Actor;
  /** Read once, no faster than it can be taken. An error of it ends the publish; nothing is kept. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly format: UploadFormat;
  /** Null: the dataset's policy decides, a canary dataset holds the version. */
  readonly request: ReleaseRequest | null;
  /** Id of the source that pulled the bytes; null for a push. */
  readonly source: string | null;
  /** An upload that comes again with its key within 24 hours is answered as the first time, if it asks for the same of the same bytes. */
  readonly idempotencyKey?: string | undefined;
  readonly onProgress?: (progress: PublishProgress) => void;
  /** Ends the publish with CLOSED at its next step; after the command was given it has no effect. */
  readonly signal?: AbortSignal;
}

/** How far a publish has come. */
export interface PublishProgress {
  readonly phase: "reading" | "comparing" | "writing";
  /** Bytes of the upload read so far. */
  readonly bytes: number;
  /** Items read so far. */
  readonly items: number;
  /** Of the phase, 0 to 1; null while reading, whose end is not known. */
  readonly share: number | null;
}

/** What came of bytes that a source offered. */
export type Offer =
  /** These bytes were dealt with before. */
  | { readonly kind: "seen"; readonly bytesHash: string }
  /** Refused for what is in them. `bytesHash` is null where they were not read to the end. */
  | { readonly kind: "refused"; readonly bytesHash: string | null; readonly error: SluiceError }
  | { readonly kind: "published"; readonly bytesHash: string; readonly answer: PublishAnswer };

/** The part of the command shell that a publisher needs. */
export interface PublishCommands {
  /** The durable state. */
  state(): NamespaceState;
  /** The lines of a dataset at that state. */
  lines(dataset: string): DatasetLines;
  /** Ends when the events are durable. Throws a rejection as SluiceError. */
  execute(given: GivenCommand, remember?: Remember): Promise<Pick<Executed, "decision" | "events" | "state">>;
}

/** What a publisher is made with. */
export interface PublisherDependencies {
  readonly commands: PublishCommands;
  readonly blobs: Blobs;
  readonly log: Pick<EventLog, "linesWithContent" | "remembered">;
  /** Where uploads lie while they are compared; owned by the publisher, emptied at start. Null keeps them in memory. */
  readonly spoolDirectory: string | null;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Ends after everything else that waits for the event loop has had its turn. */
  readonly yieldNow: () => Promise<void>;
  /** Default: works in this thread, some milliseconds at a time. */
  readonly workbench?: Workbench;
  /** Lets an upload give back the damaged files that it was once made into. Default: nothing is mended. */
  readonly mending?: Mending;
  readonly limits?: Partial<PublishLimits>;
}

/** What an upload may have. Each is refused with LIMIT_EXCEEDED. */
export interface PublishLimits {
  readonly uploadBytesMax: number;
  readonly objectBytesMax: number;
  readonly itemsPerVersionMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}
