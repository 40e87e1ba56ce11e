import type { LoggedEvent } from "@sluice/core";
import { encodeFrame } from "./encode.ts";

/** How many runs of events are kept encoded. */
const keptMax = 64;

/** Encoded runs of events, each encoded once however many followers want it. */
export interface Payloads {
  /** Frames that carry exactly these consecutive events, at most `eventsPerFrameMax` in each, for one write; empty for none. */
  of(events: readonly LoggedEvent[]): Uint8Array;
  /** Forgets everything: another log has other events under the same numbers. */
  clear(): void;
}

/** Makes an empty store of encoded frames. */
export function createPayloads(eventsPerFrameMax: number): Payloads {
  const kept = new Map<string, Uint8Array>();
  return {
    of(events) {
      const key = `${events[0]?.sequence ?? 0}-${events.at(-1)?.sequence ?? 0}`;
      const known = kept.get(key);
      if (known !== undefined) return known;
      const frames: Uint8Array[] = [];
      for (let start = 0; start < events.length; start += eventsPerFrameMax) {
        frames.push(encodeFrame({ type: "events", events: events.slice(start, start + eventsPerFrameMax) }));
      }
      const oldest = kept.keys().next();
      if (kept.size >= keptMax && oldest.done !== true) kept.delete(oldest.value);
      const [only] = frames;
      const payload = only !== undefined && frames.length === 1 ? only : Buffer.concat(frames);
      kept.set(key, payload);
      return payload;
    },
    clear: () => kept.clear(),
  };
}
