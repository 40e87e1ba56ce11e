/** Under which name the receipt of a restored version is kept, beside the names of releases: `prices-v59-restored`. */
export function restoreReceiptName(dataset: string, number: number): string {
  return `${dataset}-v${number}-restored`;
}
