import { randomBytes, randomUUID } from "node:crypto";
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

/** An id that no other process has. */
export function createId(): string {
  return randomUUID();
}

/** 0 to below 1, from the system's source of randomness: a salt must not be guessed from the last one. */
export function systemRandom(): number {
  return randomBytes(4).readUInt32BE() / 0x1_0000_0000;
}
