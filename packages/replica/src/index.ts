export type { BlobSpace } from "./blob-litter.ts";
export { tidyBlobs } from "./blob-litter.ts";
export { openBlobFile } from "./blob-file.ts";
export type { Blobs, OpenBlob } from "./blobs.ts";
export { blobsOf, validateCheckpoint } from "./checkpoint.ts";
export type { Connection } from "./connection.ts";
export { createDirectoryBlobs } from "./directory-blobs.ts";
export { createEventRing } from "./event-ring.ts";
export type { Feed, FeedListener } from "./feed.ts";
export { createReplica } from "./follower.ts";
export { createHereBook } from "./here-book.ts";
export type { LineFault, Lines, PackedLines } from "./lines.ts";
export { createLines } from "./lines.ts";
export { createMemoryBlobs } from "./memory-blobs.ts";
export type { Outcome } from "./outcome-tally.ts";
export type {
  Replica,
  ReplicaCounts,
  ReplicaOptions,
  Snapshot,
  SnapshotChange,
} from "./replica.ts";
export { createRecordFile, type RecordFile } from "./record-file.ts";
export type { Reporter } from "./reporter.ts";
export { newlyReverted } from "./reverted.ts";
export type { NeededBlob, Shelf } from "./shelf.ts";
export { createShelf } from "./shelf.ts";
export type { Sweeper } from "./sweeper.ts";
export { blobGraceMs, createSweeper, sweepMs } from "./sweeper.ts";
export { createSystemClock } from "./system-clock.ts";
export type { Transport, TransportOptions } from "./transport.ts";
export { createTransport } from "./transport.ts";
export type { DatasetLines, ReadableVersion } from "./version.ts";
