import type { DatasetState } from "./state.ts";

/**
 * What was taken back last, where nothing that everybody sees has come after it and its mark is not lifted; null elsewhere. Until
 * then no release of the dataset starts that no person asked for.
 */
export function takenBackText({ stable, quarantine }: Pick<DatasetState, "stable" | "quarantine">): string | null {
  const mark = quarantine.findLast(({ publish }) => stable !== null && publish > stable.publish);
  if (mark !== undefined) return `v${mark.publish} was reverted`;
  const restored = stable?.restored ?? null;
  return restored === null ? null : `v${restored.version} was brought back`;
}
