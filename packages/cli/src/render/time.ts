import type { Actor } from "@sluice/core";
import { durationText } from "../duration.ts";
import type { Place } from "../place.ts";

/** What times are shown against. */
export interface TimeView {
  /** The instance's wall clock, milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Default: that of the machine. */
  readonly timeZone?: string | undefined;
  /** Where the commands go that are shown; left out, where commands go anyway. */
  readonly place?: Place;
}

/** A time of today as `12:03:11`, any other with its date. */
export function clockText(atMs: number, { nowMs, timeZone }: TimeView): string {
  const text = dateTimeText(atMs, timeZone);
  const [date, time = ""] = text.split(" ");
  return date === dateTimeText(nowMs, timeZone).split(" ")[0] ? time : text;
}

/** A time as `2026-11-11 12:03:11`. */
export function dateTimeText(atMs: number, timeZone?: string): string {
  const format = new Intl.DateTimeFormat("sv-SE", {
    dateStyle: "short",
    timeStyle: "medium",
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return format.format(atMs);
}

/** How long ago a time was, in whole seconds at least. */
export function agoText(atMs: number, { nowMs }: TimeView): string {
  const seconds = Math.floor((nowMs - atMs) / 1_000);
  return seconds < 1 ? "just now" : `${durationText(seconds * 1_000)} ago`;
}

/** A time to come and how long it is until then. */
export function untilText(atMs: number, view: TimeView): string {
  return `${clockText(atMs, view)} (in ${durationText(atMs - view.nowMs)})`;
}

/** Who did something: a person by name, anything else with what it is. */
export function actorText({ kind, name }: Actor): string {
  if (kind === "person") return name;
  // An alert holds by its fingerprint too, which says nothing to people.
  if (kind === "alert") return `alert ${name.replace(/ [0-9a-f]{8,64}$/i, "")}`;
  // A plan's name is its release's, which the line names already.
  return kind === "plan" ? "the plan" : `${kind} ${name}`;
}
