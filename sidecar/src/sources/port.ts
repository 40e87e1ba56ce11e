import type { Clock, NamespaceState, SourceDefinition } from "@sluice/core";
import type { SourceStatus } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Publisher, UploadFormat } from "../publisher.ts";
import type { EventLog } from "../store/port.ts";

/** Where the versions of a dataset come from, and how that fares. */
export interface Source {
  /** Begins to look; ends at once. */
  start(): void;
  /** Looks now instead of later. */
  poke(): void;
  /** How it fares. Never touches the network or the disk. */
  status(): SourceStatus;
  /** Breaks off what it is at and looks no more. */
  close(): Promise<void>;
}

/** What says of bytes that they are those of before, without their being read. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** Bytes that an upstream gives. */
export interface Pulled {
  readonly body: AsyncIterable<Uint8Array>;
  readonly format: UploadFormat;
  readonly validators: Validators;
}

/** What every source needs. */
export interface SourceDependencies {
  readonly dataset: string;
  readonly definition: SourceDefinition;
  readonly publisher: Pick<Publisher, "offer">;
  readonly state: () => NamespaceState;
  readonly documents: Documents;
  readonly clock: Clock;
  /** 0 to below 1, for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Called after the status has changed. */
  readonly onStatus?: () => void;
}

/** Where a source keeps how far it has come. */
export type Documents = Pick<EventLog, "getDocument" | "putDocument" | "deleteDocument">;
