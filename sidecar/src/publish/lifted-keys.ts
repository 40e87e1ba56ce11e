import type { NamespaceState } from "@sluice/core";
import { isSluiceError, own } from "@sluice/core";
import type { Workbench } from "./workbench.ts";

/** Says which keys of a lift its reverted version changed; null where nobody can tell, or there is no such mark. */
export type ChangedKeys = (
  state: NamespaceState,
  lift: { readonly dataset: string; readonly publish: number; readonly keys: readonly string[] },
) => Promise<readonly string[] | null>;

/**
 * Looks into the list of changes that a mark keeps. One that cannot be read holds every publish until the mark is lifted whole, and a
 * lift of keys changes nothing of that, so that it is let through.
 */
export function createChangedKeys(workbench: Workbench): ChangedKeys {
  return async (state, { dataset, publish, keys }) => {
    const mark = own(state.datasets, dataset)?.quarantine.find((its) => its.publish === publish);
    if (mark === undefined) return null;
    if (mark.changes === null) return [];
    const bench = workbench.open(null);
    try {
      return await bench.run("find-listed", { list: mark.changes, keys });
    } catch (error) {
      if (isSluiceError(error, "CORRUPT", "BLOB_UNKNOWN")) return null;
      throw error;
    } finally {
      await bench.close();
      await workbench.rest();
    }
  };
}
