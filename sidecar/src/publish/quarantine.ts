import type { DatasetState, QuarantinedChanges } from "@sluice/core";
import { isSluiceError, SluiceError } from "@sluice/core";
import type { ChangeList } from "./compare.ts";
import type { Bench } from "./workbench.ts";

/**
 * How many changes of a version were in one that was reverted, by the mark that it shares most with; null where there are none.
 * Keys that a person has lifted do not count. Throws CORRUPT where a mark's list cannot be read: nobody can tell then.
 */
export async function quarantinedChangesOf(
  dataset: DatasetState,
  changes: ChangeList | null,
  bench: Bench,
): Promise<QuarantinedChanges | null> {
  if (changes === null) return null;
  let most: QuarantinedChanges | null = null;
  for (const { publish, changes: list, liftedKeys } of dataset.quarantine) {
    if (list === null) continue;
    const count = await countShared(dataset.name, publish, () =>
      bench.run("count-shared", { groups: changes.groups, list, lifted: liftedKeys }),
    );
    if (count > (most?.count ?? 0)) most = { count, of: changes.count, publish };
  }
  return most;
}

async function countShared(dataset: string, publish: number, count: () => Promise<number>): Promise<number> {
  try {
    return await count();
  } catch (error) {
    if (!isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) throw error;
    const blob = error.details["blob"];
    throw new SluiceError(
      "CORRUPT",
      `the changes of reverted v${publish} of ${dataset} cannot be read (blob ${String(blob)}), so nobody can tell whether they come back; lift the mark to publish: sluice quarantine lift ${dataset} ${publish}`,
      { details: { blob, publish }, cause: error },
    );
  }
}
