/** Under which name a restored version is confirmed and has its receipt, beside the names of releases: `prices-v59-restored`. */
export function restoredName(dataset: string, number: number): string {
  return `${dataset}-v${number}-restored`;
}
