import type { ReleaseDraw } from "@sluice/core";

/** Chance, drawn where commands are made, so that deciding stays a function of values. */
export interface Draw {
  /** An id and a salt for a release of a publish: `prices-v4-x7k2mq`. */
  release(dataset: string, publish: number): ReleaseDraw;
}

/** Draws from `random`, which gives 0 to below 1. */
export function createDraw(random: () => number): Draw {
  const letters = (count: number): string =>
    Array.from({ length: count }, () => Math.floor(random() * 36).toString(36)).join("");
  return {
    release: (dataset, publish) => ({ release: `${dataset}-v${publish}-${letters(6)}`, salt: letters(16) }),
  };
}
