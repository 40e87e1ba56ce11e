import { partCountFor, type PartRef, SluiceError } from "@sluice/core";
import type { Blobs } from "@sluice/replica";
import type { GroupBuild, GroupBuildInput } from "./build-group.ts";
import { nothingRepeated, type RepeatedKeys } from "./group.ts";
import { eachGroup, groupCountOf } from "./groups.ts";
import type { Observed } from "./observe.ts";
import { mergeRepeated } from "./problems.ts";
import type { GroupSpan, SpoolSummary } from "./spool.ts";
import type { Bench } from "./workbench.ts";

/** How often a group is built whose parts are gone when they are looked for. */
const buildsMax = 3;

/** What parts are built of. */
export interface PartsWork {
  readonly bench: Bench;
  readonly spool: SpoolSummary;
  readonly blobs: Blobs;
  readonly signal: AbortSignal;
  readonly first: GroupBuildInput["first"];
  /** Called after each group with the share of the parts that is written, 0 to 1. */
  readonly onShare: (share: number) => void;
  /** Called after each group of a first version. */
  readonly onObserved?: (observed: Observed) => void;
}

/** Builds the parts of an upload and puts those among the blobs that are not there yet. There are none where a key came twice. */
export async function buildParts(
  work: PartsWork,
): Promise<{ readonly repeated: RepeatedKeys; readonly parts: readonly PartRef[] }> {
  const { bench, spool, signal, onShare, onObserved } = work;
  const groups = groupCountOf(spool);
  const parts: PartRef[] = [];
  let repeated = nothingRepeated;
  await eachGroup({
    bench,
    groups,
    signal,
    work: (span) => build(work, span),
    take(built, done) {
      repeated = mergeRepeated(repeated, built.repeated);
      parts.push(...built.parts);
      if (built.observed !== null) onObserved?.(built.observed);
      onShare(done / groups);
    },
  });
  return { repeated, parts };
}

async function build({ bench, spool, blobs, first }: PartsWork, span: GroupSpan): Promise<GroupBuild> {
  const partCount = partCountFor(spool.partBytes);
  for (let builds = 1; builds <= buildsMax; builds++) {
    const built = await bench.run("build", { span, partCount, first });
    // To ask for a part spares it from being swept. One that was there when the thread looked may be gone by now.
    if (built.parts.every(({ name }) => blobs.has(name))) return built;
  }
  throw new SluiceError(
    "STORE_UNAVAILABLE",
    "part files were removed as soon as they had been written; look who else tidies up blobs/, then publish again",
  );
}
