import type { DatasetState, QuarantinedChanges } from "@sluice/core";
import { isSluiceError, SluiceError } from "@sluice/core";
import type { Blobs } from "@sluice/replica";
import { type ChangeList, countShared } from "./changes.ts";
import type { Pace } from "./pace.ts";

/**
 * How many changes of a version were in one that was reverted, by the mark that it shares most with; null where there are none.
 * Keys that a person has lifted do not count. Throws CORRUPT where a mark's list cannot be read: nobody can tell then.
 */
export async function quarantinedChangesOf(
  dataset: DatasetState,
  changes: ChangeList | null,
  blobs: Blobs,
  pace: Pace,
): Promise<QuarantinedChanges | null> {
  if (changes === null) return null;
  let most: QuarantinedChanges | null = null;
  for (const { publish, changes: name, liftedKeys } of dataset.quarantine) {
    if (name === null) continue;
    const theirs = await readList(dataset.name, publish, name, blobs);
    const count = await countShared(changes.bytes, theirs, new Set(liftedKeys), pace);
    if (count > (most?.count ?? 0)) most = { count, of: changes.count, publish };
  }
  return most;
}

async function readList(dataset: string, publish: number, name: string, blobs: Blobs): Promise<Uint8Array> {
  try {
    return await blobs.read(name);
  } catch (error) {
    if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) throw error;
    throw new SluiceError(
      "CORRUPT",
      `the changes of reverted v${publish} of ${dataset} cannot be read (blob ${name}), so nobody can tell whether they come back; lift the mark to publish: sluice quarantine lift ${dataset} ${publish}`,
      { details: { blob: name, publish }, cause: error },
    );
  }
}
