import type { ErrorCode, ErrorDetails } from "../error.ts";
import type { Actor, Event } from "./event.ts";

/** An event and who it is recorded under: a tick's steps are the plan's, the rest is the caller's. */
export interface DecidedEvent {
  readonly by: Actor;
  readonly event: Event;
}

/** What deciding came to. */
export type Decision =
  | { readonly kind: "events"; readonly events: readonly DecidedEvent[] }
  /** What was asked for is so already. */
  | {
      readonly kind: "unchanged";
      readonly message: string;
      readonly release: string | null;
      readonly number: number | null;
    }
  | { readonly kind: "rejected"; readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };

/** A rejection with its code and what to do. */
export function reject(code: ErrorCode, message: string, details: ErrorDetails = {}): Decision {
  return { kind: "rejected", code, message, details };
}

/** Nothing to do, which is no error. */
export function unchanged(message: string, of: { release?: string; number?: number } = {}): Decision {
  return { kind: "unchanged", message, release: of.release ?? null, number: of.number ?? null };
}

/** Events, all of one actor. */
export function events(by: Actor, ...list: readonly Event[]): Decision {
  return { kind: "events", events: list.map((event) => ({ by, event })) };
}

/** A percentage as people write it: `2.007 %`. */
export function percentText(thousandths: number): string {
  return `${thousandths / 1000} %`;
}
