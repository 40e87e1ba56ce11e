import type { FileName } from "../catalogue/price-files.ts";
import type { Tally } from "../judge/ledger.ts";
import type { Checks } from "../stage/checks.ts";
import type { LogLine } from "../stage/sluice.ts";
import { shopWorkers, type Stage } from "../stage/stage.ts";

/** Notes a failure, in words, where something is not so. */
export type Expect = Checks["expect"];

export const second = 1_000;

/** An answer is in the ledger when it came; a span that ends this long ago has nearly all of them, in milliseconds. */
export const settledMs = 300;

/** Waits; everything here is real, and takes its time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a line of the log is of the prices, of a type and not before `after`. */
export function isOf(type: string, after = 0): (line: LogLine) => boolean {
  return ({ event, at }) =>
    event.type === type && at >= after && (event.dataset === undefined || event.dataset === "prices");
}

/** Asks again until `ask` gives something, at most `deadlineMs` long. Throws with what did not happen. */
export async function eventually<T>(what: string, deadlineMs: number, ask: () => Promise<T | undefined>): Promise<T> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`${what}: it did not happen within ${deadlineMs / 1_000} s`);
    await pause(50);
  }
}

/** Everybody is shown v1 by both processes, and nothing is wrong but for a share that may be late. */
export async function everybodyOnFirst({ shoppers }: Stage, expect: Expect, lateShareMax = 0): Promise<void> {
  const from = Date.now();
  await pause(1_500);
  const tally = await eventually("every process of the shop answers", 15 * second, async () => {
    const seen = await shoppers.tally(from, Date.now() - settledMs);
    return seen.requests > 50 && Object.keys(seen.workers).length === shopWorkers ? seen : undefined;
  });
  expect(
    tally.bad <= lateShareMax * tally.requests,
    `${tally.bad} bad answers before anything was released: ${JSON.stringify(tally.faults)}`,
  );
  expect(isOnly(tally, 1), `versions shown: ${JSON.stringify(tally.shown)}`);
}

/**
 * Offers v2 where it is held, lets every byte of it come to the shop, and starts its release at a percentage in thousandths: whoever is to
 * see it sees it at once.
 */
export async function releaseHeld(stage: Stage, file: FileName, thousandths: number): Promise<LogLine> {
  const { sluice, merchandising, shoppers, log } = stage;
  await merchandising.offer(file);
  await log.waitFor(
    "v2 is taken in",
    10 * second,
    ({ event }) => event.type === "version-published" && event.number === 2 && event.dataset === "prices",
  );
  await pause(second);
  await sluice.command("/v1/datasets/prices/release", { thousandths });
  const started = await log.waitFor("the release of v2 starts", 20 * second, isOf("release-started"));
  await eventually("v2 is shown", 30 * second, async () => {
    const { shown } = await shoppers.tally(started.at, Date.now());
    return (shown["2"] ?? 0) > 0 ? true : undefined;
  });
  return started;
}

/** Whether all answers of a tally are of one version. */
export function isOnly({ shown }: Tally, version: number): boolean {
  return Object.keys(shown).join() === String(version);
}

/** Of the answers that showed a version, the fraction that was bad. */
export function badShareOf({ shown, badShown }: Tally, version: number): number {
  return (badShown[version] ?? 0) / Math.max(1, shown[version] ?? 0);
}

/** `12.3 %`. */
export function percentOf(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
