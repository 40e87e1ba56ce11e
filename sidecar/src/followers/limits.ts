import { heartbeatMs } from "@sluice/core";

/** What bounds the followers of one instance. */
export interface FollowerLimits {
  /** Open streams; one more is refused with NOT_READY (503). */
  readonly connectionsMax: number;
  /** A follower with more than this waiting for it in this process is dropped and resumes. */
  readonly unsentBytesMax: number;
  /** For how long a follower may be over `unsentBytesMax`, in milliseconds: one burst is no slowness. */
  readonly overfullMs: number;
  /** For how long a follower may take over one large payload, such as a full state, in milliseconds. */
  readonly deliveryMsMax: number;
  /** Full states that are on their way at the same time; the rest wait in order. */
  readonly fullStatesMax: number;
  /** For how long a full state is handed to others together with the events since, in milliseconds. */
  readonly fullStateReuseMs: number;
  /** A follower that is further behind gets the full state. */
  readonly resumeEventsMax: number;
  readonly eventsPerFrameMax: number;
  /** After a broadcast, patches are gathered for twice as long as it took, at most so long, in milliseconds. */
  readonly gatherMsMax: number;
  /** After how many followers a broadcast lets the process do something else, and looks for marks. */
  readonly followersPerTurn: number;
  /** The same for a mark: a revert does not wait for what its first receivers answer. */
  readonly followersPerUrgentTurn: number;
  readonly heartbeatMs: number;
  /** Over how long the streams are ended when the instance goes, in milliseconds. */
  readonly drainMsMax: number;
}

/** The limits in force where nothing else is said. */
export const defaultFollowerLimits: FollowerLimits = {
  connectionsMax: 20_000,
  unsentBytesMax: 1_048_576,
  overfullMs: 20,
  deliveryMsMax: 30_000,
  fullStatesMax: 32,
  fullStateReuseMs: 1_000,
  resumeEventsMax: 5_000,
  eventsPerFrameMax: 500,
  gatherMsMax: 2_000,
  followersPerTurn: 100,
  followersPerUrgentTurn: 2_000,
  heartbeatMs,
  drainMsMax: 5_000,
};
