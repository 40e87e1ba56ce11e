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
  /** Patches are gathered for twice the duration of the last broadcast, within these bounds, in milliseconds. */
  readonly gatherMsMin: number;
  readonly gatherMsMax: number;
  /** After how many followers the broadcast loop looks for marks. */
  readonly followersPerTurn: number;
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
  gatherMsMin: 20,
  gatherMsMax: 2_000,
  followersPerTurn: 100,
  heartbeatMs,
  drainMsMax: 5_000,
};
