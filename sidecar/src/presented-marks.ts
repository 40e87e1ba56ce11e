import type { Actor, Cause, GivenCommand, ReleaseState } from "@sluice/core";
import { isActive } from "@sluice/core";
import type { Mark } from "@sluice/core/api";
import type { Logger } from "pino";

/** Who takes back what a follower holds as reverted and the log had lost, and why. */
const lostBy: Actor = { kind: "alert", name: "mark" };
const lostCause: Cause = { reason: "a follower holds a revert that this log had lost", evidence: null };

/**
 * Takes the marks that followers hold. Of an active release the revert is missing in the log: followers have it already, whatever
 * became of the release or its guard meanwhile, so that it wins. `revert` announces and appends it, `record` appends anything else.
 */
export function createPresentedMarks(dependencies: {
  readonly releaseOf: (id: string) => ReleaseState | undefined;
  readonly isMarked: (id: string) => boolean;
  readonly revert: (
    mark: Mark & { readonly by: Actor; readonly cause: Cause },
    given: GivenCommand,
  ) => Promise<unknown>;
  readonly record: (given: GivenCommand) => Promise<unknown>;
  readonly logger: Logger;
}): (mark: Mark) => void {
  const { releaseOf, isMarked, revert, record, logger } = dependencies;
  /** Releases of which it was recorded that a revert came too late. */
  const recorded = new Set<string>();
  const failed = (error: unknown): void => logger.error({ err: error }, "a presented mark could not be recorded");

  /** A cut-off sidecar took back what was completed meanwhile: nothing can be reverted, and nobody else would ever say why it wanted to. */
  function recordTooLate({ by, cause }: Mark, { id, dataset, phase }: ReleaseState): void {
    if (phase !== "completed" || by === undefined || cause === undefined || recorded.has(id)) return;
    recorded.add(id);
    logger.warn(
      { release: id, by, reason: cause.reason },
      "a sidecar that was cut off took back what is completed by now",
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
