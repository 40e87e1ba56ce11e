import { leaseMs } from "@sluice/core";
import { bucketOf } from "./content.ts";
import { type Followed, type FollowersWatch, isFresh } from "./followers-watch.ts";
import type { DatasetPosition, History, ModelVersion } from "./history.ts";
import type { DatasetName } from "./shop.ts";
import { hold } from "./trace.ts";
import { delayMsMax } from "./weather.ts";

/** What one read or view was given of one dataset, and what whoever gave it says of itself. */
export interface Shown {
  readonly dataset: DatasetName;
  readonly user: string | undefined;
  readonly follower: Followed;
  /** Position of the log that it stands at. */
  readonly sequence: number;
  readonly version: number;
  readonly arm: "candidate" | "control" | null;
  readonly release: string | null;
  /** Whether it may show candidates below 100 %, by its own word. */
  readonly leaseHeld: boolean;
  /** The candidate that it has whole, by its own word; undefined where it does not say. */
  readonly preparedCandidate: number | null | undefined;
}

/** Holds what followers show to the design's invariants 1 to 5. */
export interface Judge {
  /** Judges something that was shown just now, and gives the version as the model knows it. */
  shown(shown: Shown): ModelVersion;
  /** A release that a follower must not show to new views any more. */
  isReverted(follower: Followed, release: string): boolean;
}

/** Everything between a follower's own count of a time and the world's, in milliseconds. */
const toleranceMs = 2;

const nothing: DatasetPosition = { stable: null, candidate: null, release: null };

/** Makes a judge over what the log says and what followers were told. */
export function createJudge(dependencies: {
  readonly history: History;
  readonly followers: FollowersWatch;
  readonly nowMs: () => number;
  /** Whether a byte has turned on a host's disk: then patches wait for the part that they fall on. */
  readonly isRotten: (host: string) => boolean;
  readonly count: (what: string) => void;
}): Judge {
  const { history, followers, nowMs, isRotten, count } = dependencies;
  /** By release and user: the highest percentage at which the user was on stable by its bucket, the lowest on the candidate. */
  const arms = new Map<string, { control: number; candidate: number }>();

  // A mark says nothing of a release that had ended otherwise before the revert came to the log.
  const isReverted = (follower: Followed, release: string): boolean =>
    follower.reverted.has(release) && (history.release(release)?.end?.how ?? "reverted") === "reverted";

  const judgeStable = (shown: Shown, at: DatasetPosition, version: ModelVersion): void => {
    const { dataset, follower, sequence } = shown;
    const { stable } = at;
    hold(
      "invariant 4",
      stable !== null,
      () => `${told(shown)} although ${dataset} has no stable version at ${sequence}`,
    );
    if (version.publish === stable.publish) {
      // A whole state may name an overlay that has not arrived yet; patches never do.
      const whole = history.position(Math.min(sequence, follower.wholeAt))[dataset]?.stable?.number ?? 0;
      hold("invariant 4", version.number === stable.number || version.number < whole || isRotten(follower.host), () => {
        return `${told(shown)} although v${stable.number} of the same line is stable at ${sequence}`;
      });
      return;
    }
    // A line that has not arrived yet shows the one before.
    const wasStable = history.wasStable(dataset, version.number, sequence);
    hold(
      "invariant 4",
      wasStable,
      () => `${told(shown)} of ${follower.host}, which was never stable before ${sequence}`,
    );
  };

  const judgeCandidate = (shown: Shown, at: DatasetPosition, version: ModelVersion): void => {
    const { follower } = shown;
    const { release, candidate } = at;
    hold("invariant 4", release !== null && candidate !== null, () => `${told(shown)} although nothing is released`);
    hold(
      "invariant 4",
      version.number === candidate.number,
      () => `${told(shown)} although v${candidate.number} is the candidate`,
    );
    hold(
      "invariant 1",
      !isReverted(follower, release.id),
      () => `${told(shown)} after ${follower.host} was told of the revert`,
    );
    hold("here", !follower.heeds(release.id), () => `${told(shown)}, which is taken back there`);
    if (release.thousandths === 100_000) return;
    const sinceMs = nowMs() - (follower.contactMs() ?? Number.NEGATIVE_INFINITY);
    hold(
      "invariant 2",
      sinceMs <= leaseMs + toleranceMs,
      () => `${told(shown)} ${sinceMs.toFixed(0)} ms after the last contact`,
    );
    const boundMs = leaseMs + follower.hops * delayMsMax + toleranceMs;
    const vouchedMs = nowMs() - (follower.vouchedMs() ?? Number.NEGATIVE_INFINITY);
    hold(
      "invariant 2",
      vouchedMs <= boundMs,
      () => `${told(shown)} ${vouchedMs.toFixed(0)} ms after the owner last vouched`,
    );
    const end = history.release(release.id)?.end ?? null;
    hold("invariant 2", end === null || nowMs() - end.atMs <= boundMs, () => {
      return `${told(shown)} ${(nowMs() - (end?.atMs ?? 0)).toFixed(0)} ms after it was ${end?.how}`;
    });
  };

  const judgeArm = (shown: Shown, at: DatasetPosition): void => {
    const { user, arm, follower, leaseHeld, preparedCandidate } = shown;
    const { release, candidate } = at;
    hold(
      "invariant 4",
      (release?.id ?? null) === shown.release,
      () => `${told(shown)} although ${release?.id ?? "none"} is on`,
    );
    if (release === null || candidate === null) return;
    const { id, salt, thousandths } = release;
    const isEverybody = thousandths === 100_000;
    const bucket = user === undefined ? null : bucketOf(salt, user);
    const wanted = isEverybody || (bucket !== null && bucket < thousandths) ? "candidate" : "control";
    const mayBeHere = follower.mayHeed(id);
    const mayBeMasked = isReverted(follower, id) || followers.everReached(follower.host).has(id) || mayBeHere;
    const isOpen = preparedCandidate === candidate.number && !mayBeMasked && (isEverybody || leaseHeld);
    const where = (): string => `with the bucket ${bucket} at ${thousandths} thousandths`;
    hold("invariant 3", arm !== "candidate" || wanted === "candidate", () => `${told(shown)} ${where()}`);
    hold("invariant 3", !isOpen || arm === "candidate" || wanted === "control", () => {
      return `${told(shown)} ${where()}, although nothing keeps it from the candidate`;
    });
    if (wanted === "candidate" && arm === "control") {
      count(
        mayBeHere
          ? "kept from what is reverted here"
          : mayBeMasked
            ? "kept from a reverted candidate"
            : leaseHeld
              ? "kept from an unprepared candidate"
              : "kept without a lease",
      );
    }
    if (bucket !== null && (isOpen || arm === "candidate"))
      keepNested(`${id} ${user}`, arm === "candidate", thousandths);
  };

  /** Whatever the hash: whoever is on the candidate at a percentage is on it at every higher one. */
  const keepNested = (key: string, isCandidate: boolean, thousandths: number): void => {
    const seen = arms.get(key) ?? { control: -1, candidate: Number.POSITIVE_INFINITY };
    if (isCandidate) seen.candidate = Math.min(seen.candidate, thousandths);
    else seen.control = Math.max(seen.control, thousandths);
    arms.set(key, seen);
    hold("invariant 3", seen.control < seen.candidate, () => {
      return `${key} was on the candidate at ${seen.candidate} thousandths and on stable at ${seen.control}`;
    });
  };

  return {
    isReverted,
    shown(shown) {
      const { dataset, sequence, version: number, follower, arm } = shown;
      const at = history.position(sequence)[dataset] ?? nothing;
      const version = history.version(dataset, number);
      hold("invariant 5", version !== undefined, () => `${told(shown)}, a version that the log does not know`);
      const gone = history.revertedLine(dataset, version.publish);
      hold("invariant 1", gone === null || !isReverted(follower, gone), () => {
        return `${told(shown)}, of the line of ${gone}, after ${follower.host} was told of its revert`;
      });
      judgeArm(shown, at);
      if (arm === "candidate") judgeCandidate(shown, at, version);
      else judgeStable(shown, at, version);
      const isLeaseRight = shown.leaseHeld === isFresh(follower.contactMs(), nowMs());
      const sinceMs = nowMs() - (follower.contactMs() ?? Number.NEGATIVE_INFINITY);
      hold("invariant 2", isLeaseRight || Math.abs(sinceMs - leaseMs) < toleranceMs, () => {
        return `${follower.host} says that its lease is ${shown.leaseHeld ? "held" : "over"}, ${sinceMs.toFixed(0)} ms after the last contact`;
      });
      return version;
    },
  };
}

function told({ follower, user, dataset, version, arm, release, sequence }: Shown): string {
  return `${follower.host} shows ${user ?? "somebody"} v${version} of ${dataset} as ${arm ?? "what is out"} of ${release ?? "no release"} at ${sequence}`;
}
