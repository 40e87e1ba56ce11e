import type { Clock, LoggedEvent, NamespaceState } from "@sluice/core";
import type { HereReverts, Mark, RefusedRelease } from "@sluice/core/api";
import type { Blobs } from "./blobs.ts";
import type { Connection } from "./connection.ts";
import type { DiskFault } from "./disk-health.ts";
import type { Feed } from "./feed.ts";
import type { Reporter } from "./reporter.ts";
import type { DatasetLines } from "./version.ts";

/** What a replica is made with. */
export interface ReplicaOptions {
  /** Instances to follow, tried in order. */
  readonly urls: readonly string[];
  /** New with each start of the process. */
  readonly id: string;
  /** What people know this follower by: application and host. */
  readonly name: string;
  readonly kind: "sdk" | "sidecar";
  /** Datasets to hold the contents of; null holds all. The state is always whole. */
  readonly datasets: readonly string[] | null;
  /**
   * Where blobs and the last known good position are kept, which any processes of a host may share: sidecar, SDKs, workers. In an
   * origin's own directory blobs alone are shared. Null keeps all in memory. Not on a network file system.
   */
  readonly directory: string | null;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** 0 to below 1, for jitter. */
  readonly random: () => number;
  /** The application that this process is, by which a plan may require it; none for a sidecar. */
  readonly app?: string;
  /** A label (region, tenant) of this process's outcomes, where the candidate's share differs by it. */
  readonly stratum?: string;
}

/** What a replica holds at one position of the log. Never changed in place; a new one takes its place whole. */
export interface Snapshot {
  /** Id of the log; null before the first contact and where nothing was on disk. */
  readonly log: string | null;
  readonly state: NamespaceState;
  /** The newest prepared versions not after `state`; a dataset that nothing is prepared of has two nulls or is missing. */
  readonly datasets: ReadonlyMap<string, DatasetLines>;
  /** Active releases that new views must not see the candidate of, although the log does not say so: a revert ran ahead, or is of one host. */
  readonly marks: ReadonlySet<string>;
}

/** What changed when a snapshot took the place of another. */
export interface SnapshotChange {
  readonly snapshot: Snapshot;
  readonly previous: Snapshot;
  /** The events between the two, none where content alone became readable; null where the state came whole. */
  readonly events: readonly LoggedEvent[] | null;
  /** Marks that are new. */
  readonly marks: readonly Mark[];
}

/** What went wrong and was mended, since the start. */
export interface ReplicaCounts {
  /** Events that came with a gap or out of order. */
  readonly gaps: number;
  /** Lines that did not come to the content that was published. */
  readonly mismatches: number;
  /** Blobs fetched whose bytes did not have their name. */
  readonly wrongBlobs: number;
  /** Fetches of blobs that came to nothing otherwise. */
  readonly failedFetches: number;
  /** Files of blobs found corrupt. */
  readonly corruptBlobs: number;
  /** Positions on disk that were damaged, of another program, or could not be written. */
  readonly positionErrors: number;
  /** Batches of outcomes that nobody answered before another instance was followed. */
  readonly lostBatches: number;
  /** Blobs that are held in memory now because the disk, full or not to be written to, does not take them. */
  readonly blobsInMemory: number;
}

/** A local copy of a namespace that follows an origin, directly or through sidecars. */
export interface Replica {
  /**
   * Opens what is on disk, then follows in the background. Ends when the disk was read; throws only where the options are
   * unusable: VALIDATION, or STORE_UNAVAILABLE of the directory.
   */
  start(): Promise<void>;
  snapshot(): Snapshot;
  /** Ends when every dataset asked for has a stable version. Throws NOT_READY, naming what is missing, after `deadlineMs`. */
  ready(deadlineMs: number): Promise<void>;
  connection(): Connection;
  /** Age of the last contact with the log's owner in milliseconds, summed over hops; null where there was none since the start. */
  contactAgeMs(): number | null;
  /** Whether a candidate below 100 % may be served now. */
  leaseHeld(): boolean;
  /** The listener is called synchronously after each swap; it must not throw. */
  subscribe(listener: (change: SnapshotChange) => void): () => void;
  /** Says upward that this process does not take a release's candidate, and why; `reason` is cut to 1,000 characters. */
  refuse(refusal: RefusedRelease): void;
  /**
   * Takes what a host has taken back for itself: new views heed it at once, and so do all who follow this replica. Ends when the disk
   * has it. Throws DISK_FULL or STORE_UNAVAILABLE, after which it is in effect all the same and tried again.
   */
  takeBackHere(hosts: readonly HereReverts[]): Promise<void>;
  /** Takes a mark from elsewhere (a follower of this one that holds it) and passes it on. */
  present(mark: Mark): void;
  /**
   * What has happened, for those who follow this one: events after `sequence`;
   * null where they are not kept any more. An SDK's replica keeps none.
   */
  since(sequence: number): readonly LoggedEvent[] | null;
  /** What those who follow this replica may be told. */
  readonly feed: Feed;
  readonly blobs: Blobs;
  /** Ends when a blob that is being fetched has come, or is not wanted any more; null where it is not. */
  arrival(blob: string): Promise<void> | null;
  /** Outcomes and confirmations on their way up. */
  readonly reporter: Reporter;
  /** That the disk does not take what the next start needs, so that no revert is confirmed; null where it does, or there is none. */
  diskFault(): DiskFault | null;
  counts(): ReplicaCounts;
  /** Sends what is waiting (at most two seconds), writes the position, closes every file, timer and socket. */
  close(): Promise<void>;
}
