import type { Distribution } from "../data/draws.ts";

/** One round of reads. */
export interface Round {
  readonly distribution: Distribution;
  readonly reads: number;
  /** Rounds with the same seed read the same keys in the same order. */
  readonly seed: number;
}

/** What a round came to. */
export interface Reading {
  /** Nanoseconds a read. */
  readonly ns: number;
  /** The prices read, added up: the same on every side. */
  readonly sum: number;
}

/** Reads of one request, all through one view. */
export const readsPerView = 20;
