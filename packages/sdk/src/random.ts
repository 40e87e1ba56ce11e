import { randomUUID } from "node:crypto";

/** 0 to below 1. */
export type Random = () => number;

/** The machine's own chance. */
export const systemRandom: Random = () => Math.random();

/** An id that no other start of a process has. Drawn from `random` where one is given, so that a simulation repeats itself. */
export function createId(random: Random | undefined): string {
  if (random === undefined) return randomUUID();
  const word = (): string =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  return `${word()}${word()}${word()}${word()}`;
}
