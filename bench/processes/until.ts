import { setTimeout as sleep } from "node:timers/promises";

/** Looks every 5 ms and ends when it is so. Throws with `problem` after `msMax`, 60,000 by default. */
export async function until(isSo: () => boolean, problem: () => string, msMax = 60_000): Promise<void> {
  const end = performance.now() + msMax;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${problem()} after ${msMax / 1_000} s`);
    await sleep(5);
  }
}
