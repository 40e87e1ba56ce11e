import { partCountFor } from "@sluice/core";
import { throwIfGivenUp } from "./given-up.ts";
import { nothingRepeated, type RepeatedKeys } from "./group.ts";
import { mergeRepeated } from "./problems.ts";
import { type GroupSpan, rangeCount, type SpoolSummary } from "./spool.ts";
import type { Bench } from "./workbench.ts";

/** Into how many groups an upload is cut: as many as it would have parts, so that a part is one group, up to one for each range. */
export function groupCountOf({ partBytes }: SpoolSummary): number {
  return Math.min(rangeCount, partCountFor(partBytes));
}

/** The groups of an upload, one after another or as many at a time as the bench has lanes. */
export interface GroupWork<Output> {
  readonly bench: Bench;
  readonly groups: number;
  readonly signal: AbortSignal;
  readonly work: (span: GroupSpan) => Promise<Output>;
  /** Takes what came of each, in the order of the groups, whenever it was done. */
  readonly take: (output: Output, done: number) => void;
}

/** Works through the groups. Ends with the first error, when nothing is at work any more; throws CLOSED where it is not wanted any more. */
export async function eachGroup<Output>({ bench, groups, signal, work, take }: GroupWork<Output>): Promise<void> {
  const running: Promise<Output>[] = [];
  let next = 0;
  try {
    for (let done = 1; done <= groups; done++) {
      while (next < groups && running.length < bench.lanes) {
        const output = work({ index: next++, count: groups });
        // Awaited in its turn, before which its error is nobody's.
        output.catch(() => {});
        running.push(output);
      }
      const [first] = running;
      if (first === undefined) return;
      const output = await first;
      void running.shift();
      throwIfGivenUp(signal);
      take(output, done);
    }
  } finally {
    await Promise.allSettled(running);
  }
}

/** The keys that come twice in an upload. */
export async function findRepeated(bench: Bench, spool: SpoolSummary, signal: AbortSignal): Promise<RepeatedKeys> {
  let repeated = nothingRepeated;
  await eachGroup({
    bench,
    groups: groupCountOf(spool),
    signal,
    work: (span) => bench.run("find-repeated", span),
    take: (found) => {
      repeated = mergeRepeated(repeated, found);
    },
  });
  return repeated;
}
