import type { Actor, Cause, GivenCommand, ReleaseState } from "@sluice/core";
import { isActive } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import type { Logger } from "pino";
import type { AnnouncedRevert } from "./commands.ts";

/** Who takes back what a follower holds as reverted and the log had lost, and why. */
const lostBy: Actor = { kind: "alert", name: "mark" };
const lostCause: Cause = { reason: "a follower holds a revert that this log had lost", evidence: null };

/** The longest reason that followers take in a mark, in characters. */
const reasonLengthMax = 2_000;

/**
 * What followers are told of a revert. They hold who gave it and why, in case this log loses it; its evidence is long, goes to every
 * one of them before the revert takes effect, and is left out.
 */
export function markOf({ release, at, by, cause }: AnnouncedRevert): Mark {
  return { release, at, by, cause: { reason: cause.reason.slice(0, reasonLengthMax), evidence: null } };
}

/**
 * Takes the marks that followers hold. Of an active release the revert is missing in the log: followers have it already, whatever
 * became of the release or its guard meanwhile, so that it wins. `revert` announces and appends it, `record` appends anything else.
 */
export function createPresentedMarks(dependencies: {
  readonly releaseOf: (id: string) => ReleaseState | undefined;
  readonly isMarked: (id: string) => boolean;
  readonly revert: (mark: AnnouncedRevert, given: GivenCommand) => Promise<unknown>;
  readonly record: (given: GivenCommand) => Promise<unknown>;
  readonly logger: Logger;
}): (mark: Mark) => void {
  const { releaseOf, isMarked, revert, record, logger } = dependencies;
  /** Releases of which it was recorded that a revert came too late. */
  const recorded = new Set<string>();
  const failed = (error: unknown): void => logger.error({ err: error }, "a presented mark could not be recorded");

  /** What was taken back is completed meanwhile: nothing can be reverted, and nobody else would ever say who wanted to and why. */
  function recordTooLate({ by, cause }: Mark, { id, dataset, phase }: ReleaseState): void {
    if (phase !== "completed" || by === undefined || cause === undefined || recorded.has(id)) return;
    recorded.add(id);
    logger.warn(
      { release: id, by, reason: cause.reason },
      "a revert that this log never had is of a release that is completed by now",
    );
    const labels = { dataset, by: `${by.kind} ${by.name}`, reason: cause.reason };
    const alert = { type: "record-alert", name: "cut-off-revert", status: "firing", labels } as const;
    record({ by: lostBy, command: { ...alert, action: "none", release: id } }).catch((error: unknown) => {
      recorded.delete(id);
      failed(error);
    });
  }

  return (mark) => {
    const release = releaseOf(mark.release);
    if (release === undefined || isMarked(mark.release)) return;
    if (!isActive(release)) {
      recordTooLate(mark, release);
      return;
    }
    const { release: id, at, by = lostBy, cause = lostCause } = mark;
    const command = { type: "revert", target: { release: id }, cause, announced: true } as const;
    revert({ release: id, at, by, cause }, { by, command }).catch(failed);
  };
}
