import { type NamespaceState, own } from "@sluice/core";
import type { Mark } from "@sluice/core/api";

/** Releases that one state knows as reverted and an earlier one does not, as marks. */
export function newlyReverted(before: NamespaceState, after: NamespaceState): readonly Mark[] {
  // A hundred patches a second leave them as they are.
  if (before.releases === after.releases) return [];
  return Object.values(after.releases)
    .filter(({ id, phase }) => phase === "reverted" && own(before.releases, id)?.phase !== "reverted")
    .map(({ id, ended }) => ({ release: id, at: ended?.at ?? 0 }));
}
