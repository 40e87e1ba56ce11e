import type { Admin, PlanInput } from "@sluice/admin";
import { SluiceError } from "@sluice/core";
import type { PublishAnswer } from "@sluice/core/api";
import { advise } from "../error-text.ts";
import { datasetOf } from "../release-of.ts";

/** What a release that was just published is started with. */
export interface PlannedStart {
  readonly plan: PlanInput;
  /** Null: the plan's first step. */
  readonly thousandths: number | null;
  readonly acceptQuarantined: boolean;
  /** The command that starts it by hand, for whoever is told that it was published and not started. */
  readonly byHand: string;
}

/**
 * Refuses a dataset that shows at once what is published without a release: what is published first and started second would be with
 * everybody in between. Throws VALIDATION, DATASET_UNKNOWN.
 */
export async function refuseImmediate(admin: Admin, name: string): Promise<void> {
  if (datasetOf(await admin.status(), name).policy !== "immediate") return;
  throw new SluiceError(
    "VALIDATION",
    `${name} is an immediate dataset: what is published there and not released in the same step is with everybody at once, and --plan publishes first and starts second; leave --plan out (the release goes by the dataset's plan)`,
  );
}

/**
 * Starts by a plan of its own what was published and is held: a publish carries none, a start does. What is live, or held for a
 * person to accept, stays as it is. Whatever keeps it from starting is told with the command that does it by hand.
 */
export async function startPublished(
  admin: Admin,
  published: PublishAnswer,
  { byHand, ...start }: PlannedStart,
): Promise<PublishAnswer> {
  const { dataset, number, items } = published;
  const publish = await heldPublish(admin, published, start.acceptQuarantined);
  if (publish === null) return published;
  try {
    const { release } = await admin.startRelease(dataset, { publish, ...start });
    const message = `v${number} of ${dataset} (${items} items) is started by a plan of its own; take it back with: sluice revert ${dataset}`;
    return { ...published, outcome: "started", message, release };
  } catch (error) {
    throw advise(error, () => `v${number} of ${dataset} is published and held, NOT started; start it with: ${byHand}`);
  }
}

/** The publish to start, or null where there is none: the very content that is held counts as published again. */
async function heldPublish(
  admin: Admin,
  { outcome, dataset, number, contentHash, quarantinedChanges }: PublishAnswer,
  acceptQuarantined: boolean,
): Promise<number | null> {
  if (outcome === "held") return quarantinedChanges === null || acceptQuarantined ? number : null;
  if (outcome !== "unchanged") return null;
  const { candidate, release } = datasetOf(await admin.status(), dataset);
  return release === null && candidate?.contentHash === contentHash ? candidate.publish : null;
}
