import type { Price } from "../data/items.ts";

/** Reads one item after the other and touches a field of each, so that no read can be left out. */
export function sumOf(keys: readonly string[], get: (key: string) => Price | undefined): number {
  let sum = 0;
  for (const key of keys) sum += get(key)?.price ?? 0;
  return sum;
}
