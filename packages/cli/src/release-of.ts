import type { Admin } from "@sluice/admin";
import { SluiceError } from "@sluice/core";
import type { CandidateStatus, DatasetStatus, ReleaseStatus, StatusAnswer } from "@sluice/core/api";

/** A dataset's status by its name. Throws DATASET_UNKNOWN with the names that there are, NOT_READY of a follower that knows nothing yet. */
export function datasetOf(status: StatusAnswer, name: string): DatasetStatus {
  const dataset = status.datasets.find((each) => each.name === name);
  if (dataset !== undefined) return dataset;
  const datasets = status.datasets.slice(0, 20).map((each) => each.name);
  const { following } = status;
  if (following !== null && following.contactAgeMs === null && datasets.length === 0) {
    throw new SluiceError("NOT_READY", `nothing is known yet: no contact with ${following.url}`);
  }
  // A follower creates nothing.
  const create = following === null ? `; create it with: sluice dataset create ${name}` : "";
  throw new SluiceError("DATASET_UNKNOWN", `there is no dataset ${name}${create}`, { details: { datasets } });
}

/** What runs or bakes on a dataset. Throws DATASET_UNKNOWN, or RELEASE_UNKNOWN with what to do. */
export async function activeReleaseOf(
  admin: Admin,
  name: string,
): Promise<{ release: ReleaseStatus; candidate: CandidateStatus }> {
  const { release, candidate } = datasetOf(await admin.status(), name);
  if (release !== null && candidate !== null) return { release, candidate };
  const what =
    candidate === null
      ? `publish a version with: sluice publish ${name} FILE`
      : `v${candidate.publish} is held; start it with: sluice release start ${name}`;
  throw new SluiceError("RELEASE_UNKNOWN", `nothing runs or bakes on ${name}; ${what}`);
}
