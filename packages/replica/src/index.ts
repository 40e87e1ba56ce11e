export type { Blobs, OpenBlob } from "./blobs.ts";
export type { Connection, Replica, ReplicaOptions, Snapshot, SnapshotChange } from "./replica.ts";
export type { Outcome, Reporter } from "./reporter.ts";
export type { DatasetLines, ReadableVersion } from "./version.ts";
