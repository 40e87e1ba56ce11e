import { activeRelease, type DatasetState, leaseMs } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import type { Snapshot } from "@sluice/replica";
import { cutOffMs } from "./local-guard.ts";
import { silenceText } from "./mark-reach.ts";

/**
 * What a follower shows of a dataset while it hears nothing of the log, a sentence; none with contact, nor within the three heartbeats that
 * a new connection takes at most.
 */
export function cutOffFaults(
  { name, stable }: DatasetState,
  { state, marks }: Pick<Snapshot, "state" | "marks">,
  { url, contactAgeMs }: NonNullable<StatusAnswer["following"]>,
): readonly string[] {
  const ageMs = contactAgeMs ?? Number.POSITIVE_INFINITY;
  if (ageMs <= cutOffMs) return [];
  const silence = `${silenceText(contactAgeMs)} with the origin, over ${url}`;
  const release = activeRelease(state, name);
  // What is reverted here says so, and why.
  if (release !== undefined && marks.has(release.id)) return [];
  if (release === undefined) return [`${silence}: what has happened to ${name} since is not known here`];
  const version = `v${release.candidatePublish}`;
  if (release.phase === "baking") {
    return [`${silence}: everybody here goes on seeing ${version}, and would if it was reverted elsewhere`];
  }
  const lease = `the lease of ${leaseMs / 1_000} s`;
  if (ageMs < leaseMs) return [`${silence}: nobody here sees ${version} from the end of ${lease} on`];
  return [`0 % here: ${silence}, ${lease} is over, and everybody here sees v${stable?.publish ?? 0}`];
}
