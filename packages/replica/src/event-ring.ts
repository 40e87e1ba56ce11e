import type { LoggedEvent } from "@sluice/core";

/** The last events, so that a follower resumes where it was. */
export interface EventRing {
  /** Takes the next event. `bytes` is about its length on the wire. */
  push(logged: LoggedEvent, bytes: number): void;
  /** Events after a sequence number up to the last one; null where they are not kept any more or not known yet. */
  since(sequence: number): readonly LoggedEvent[] | null;
  /** Whether the events after a sequence number are all kept. */
  reaches(sequence: number): boolean;
  /** Forgets everything; the next event is the one after `sequence`. */
  clear(sequence: number): void;
}

/** Keeps at most 10,000 events and 64 MiB of them. */
export function createEventRing(limits: { eventsMax?: number; bytesMax?: number } = {}): EventRing {
  const { eventsMax = 10_000, bytesMax = 67_108_864 } = limits;
  let events: { logged: LoggedEvent; bytes: number }[] = [];
  /** Entries before this one are forgotten; they are cut off once they are half of the array. */
  let first = 0;
  let last = 0;
  let bytesHeld = 0;
  const reaches = (sequence: number): boolean => last >= sequence && last - sequence <= events.length - first;
  return {
    push(logged, bytes) {
      events.push({ logged, bytes });
      last = logged.sequence;
      bytesHeld += bytes;
      while (events.length - first > eventsMax || bytesHeld > bytesMax) {
        bytesHeld -= events[first]?.bytes ?? 0;
        first++;
      }
      if (first > events.length / 2) {
        events = events.slice(first);
        first = 0;
      }
    },
    since(sequence) {
      if (!reaches(sequence)) return null;
      return events.slice(events.length - (last - sequence)).map(({ logged }) => logged);
    },
    reaches,
    clear(sequence) {
      events = [];
      first = 0;
      last = sequence;
      bytesHeld = 0;
    },
  };
}
