import type { Mark, StatusAnswer } from "@sluice/core/api";
import { cutOffMs } from "./local-guard.ts";

/** What a follower needs to know of itself to say how far a mark that it holds has got. */
export interface MarkReachSources {
  /** What people know the follower by. */
  readonly host: string;
  readonly following: NonNullable<StatusAnswer["following"]>;
}

/** Whether a follower hears nothing of the log: it is connected to nobody, or to one who is cut off itself. */
export function isCutOff({ contactAgeMs, connected }: NonNullable<StatusAnswer["following"]>): boolean {
  return !connected || contactAgeMs === null || contactAgeMs > cutOffMs;
}

/** How far a mark has got, as far as a follower without contact can tell; null with contact, where the origin has it too. */
export function markReach(mark: Mark, { host, following }: MarkReachSources): string | null {
  if (!isCutOff(following)) return null;
  const silence = silenceText(following.contactAgeMs);
  // A guard of a cut-off host signs with its name.
  const isOwn = mark.by?.kind === "guard" && mark.by.name.endsWith(` on ${host}`);
  return isOwn
    ? `on ${host} and those who follow it; the origin has not heard of it (${silence})`
    : `on ${host} and those who follow it; whether everywhere is not known (${silence})`;
}

/** Since when there was no contact, for people. */
export function silenceText(contactAgeMs: number | null): string {
  return contactAgeMs === null ? "no contact yet" : `no contact for ${Math.round(contactAgeMs / 1_000)} s`;
}
