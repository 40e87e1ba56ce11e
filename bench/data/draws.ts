import { keyOf } from "./items.ts";
import { createRandom } from "./random.ts";

/** Which items are asked for: by Zipf's law with exponent 1, all alike, or those of a set of `hotKeys` alike. */
export type Distribution = "zipf" | "uniform" | "hot";

/** How many keys the hot set has. */
const hotKeys = 1_000;

/** Makes draws of item indices. */
export interface Draws {
  /** `count` indices that depend on the seed alone: every side of a comparison gets the same ones, and no two rounds do. */
  draw(distribution: Distribution, count: number, seed: number): Uint32Array;
}

// A prime, so that popular items do not lie side by side in key order.
const stride = 611_953;

/** Makes draws over `items` items. */
export function createDraws(items: number): Draws {
  let cumulative: Float64Array | undefined;
  return {
    draw(distribution, count, seed) {
      const random = createRandom(seed);
      const draws = new Uint32Array(count);
      const scattered = (rank: number): number => (rank * stride + 7) % items;
      if (distribution === "zipf") cumulative ??= cumulativeOf(items);
      for (let at = 0; at < count; at++) {
        if (distribution === "uniform") draws[at] = Math.floor(random() * items);
        else if (distribution === "hot") draws[at] = scattered(Math.floor(random() * Math.min(hotKeys, items)));
        else draws[at] = scattered(rankOf(cumulative ?? new Float64Array(0), random()));
      }
      return draws;
    },
  };
}

/** The hot set's indices. */
export function hotIndices(items: number): number[] {
  return Array.from({ length: Math.min(hotKeys, items) }, (_, rank) => (rank * stride + 7) % items);
}

/** A new string for each draw: a request's key is none that a map has met before. */
export function keysOf(draws: Uint32Array): string[] {
  return Array.from(draws, keyOf);
}

function cumulativeOf(items: number): Float64Array {
  const cumulative = new Float64Array(items);
  let sum = 0;
  for (let rank = 0; rank < items; rank++) {
    sum += 1 / (rank + 1);
    cumulative[rank] = sum;
  }
  return cumulative;
}

function rankOf(cumulative: Float64Array, random: number): number {
  const wanted = random * (cumulative.at(-1) ?? 0);
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulative[middle] ?? 0) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
