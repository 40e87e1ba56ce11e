import type { Clock } from "@sluice/core";
import type { FollowQuery } from "@sluice/core/api";
import type { Sink } from "../sink.ts";
import type { FollowerLimits } from "./limits.ts";

/** One follower's stream, as far as it has been written. */
export interface Connection {
  readonly query: FollowQuery;
  /** `waiting` for a full state: it holds nothing that events could be added to, and nothing renews its lease. */
  phase: "waiting" | "live";
  /** Of the last event written to it, or that it came with. */
  sent: number;
  /** The log that it was told of. */
  readonly log: string;
  /** How often a full state was asked for; only the last request is answered. */
  requests: number;
  /** Gives up its place in the queue for full states, or its room. */
  leaveQueue: () => void;
  readonly open: boolean;
  /** Bytes that were written, and those of them that wait in this process. */
  writtenBytes(): number;
  unsentBytes(): number;
  /**
   * Writes a payload; an empty one is none. A follower that has been over its limit for too long is dropped instead;
   * a large burst may take its time.
   */
  send(payload: Uint8Array): void;
  /** Ends the stream behind what was written. */
  close(): void;
  /** Ends it at once. */
  abort(): void;
}

/** Wraps a follower's sink. `dropped` is called when the follower is given up for being slow. */
export function createConnection(
  query: FollowQuery,
  sink: Sink,
  dependencies: { clock: Clock; limits: FollowerLimits; log: string; dropped: (unsentBytes: number) => void },
): Connection {
  const { clock, limits, log, dropped } = dependencies;
  let open = true;
  let overSinceMs: number | undefined;
  /** Size of the bursts that it may still be busy with. */
  let burstBytes = 0;
  let writtenBytes = 0;
  sink.onClose(() => {
    open = false;
  });

  /** One burst that the socket has had no turn to take is no slowness, so being over has to last. */
  function tooSlow(): boolean {
    const unsentBytes = sink.unsentBytes();
    if (unsentBytes <= limits.unsentBytesMax) {
      overSinceMs = undefined;
      burstBytes = 0;
      return false;
    }
    overSinceMs ??= clock.now();
    const overMs = clock.now() - overSinceMs;
    return overMs > (unsentBytes > limits.unsentBytesMax + burstBytes ? limits.overfullMs : limits.deliveryMsMax);
  }

  return {
    query,
    phase: "waiting",
    sent: 0,
    log,
    requests: 0,
    leaveQueue: () => undefined,
    get open() {
      return open;
    },
    writtenBytes: () => writtenBytes,
    unsentBytes: () => sink.unsentBytes(),
    send(payload) {
      const bytes = payload.byteLength;
      if (!open || bytes === 0) return;
      if (tooSlow()) {
        dropped(sink.unsentBytes());
        sink.abort();
        return;
      }
      if (bytes > limits.unsentBytesMax) burstBytes += bytes;
      writtenBytes += bytes;
      sink.write(payload);
    },
    close: () => sink.close(),
    abort: () => sink.abort(),
  };
}
