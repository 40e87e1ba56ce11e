import type { DatasetState } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import type { RestoreTarget } from "@sluice/core/api";
import type { EventLog } from "../store/port.ts";
import type { LineHistory } from "./line-fold.ts";
import { linesAt } from "./lines-at.ts";

/** The version that is to come back. */
export interface Target {
  readonly line: LineHistory;
  readonly number: number;
}

/** What a target is looked for in. */
export interface TargetSearch {
  readonly log: Pick<EventLog, "readPatches" | "readPatchMinutes">;
  readonly dataset: DatasetState;
  /** The oldest first. */
  readonly lines: readonly LineHistory[];
  /** Milliseconds since the Unix epoch. */
  readonly windowStart: number;
  readonly now: number;
}

/** More minutes than a day has: a window of 24 hours is looked through at once. */
const minutesMax = 10_000;

/** A minute's patches are read so many at a time. */
const pagePatches = 1_000;

/**
 * Finds the version that is meant. Throws VALIDATION where there never was one that everybody saw, or none yet, PRUNED where it was
 * too long ago, and says from when on versions can be had.
 */
export async function findTarget(search: TargetSearch, to: RestoreTarget): Promise<Target> {
  const target = "version" in to ? await ofNumber(search, to.version) : await ofTime(search, timeOf(search, to));
  const { line, number } = target;
  const { dataset, windowStart } = search;
  if (line.stable === null) {
    const how =
      line.left === null
        ? "is not stable yet"
        : line.left.how === "reverted"
          ? "was reverted before it was stable"
          : "never was stable";
    throw new SluiceError(
      "VALIDATION",
      `v${number} of ${dataset.name} ${how}; what was stable can come back, anything else is published or released`,
    );
  }
  if (line.left !== null && line.left.at < windowStart) throw tooOld(search, `v${number}`);
  return target;
}

function timeOf({ now }: TargetSearch, to: Exclude<RestoreTarget, { version: number }>): number {
  const at = "at" in to ? to.at : now - to.agoMs;
  if (at <= now) return at;
  throw new SluiceError(
    "VALIDATION",
    `${new Date(at).toISOString()} is yet to come; it is ${new Date(now).toISOString()} at the instance`,
  );
}

async function ofNumber(search: TargetSearch, number: number): Promise<Target> {
  const { dataset, lines, log } = search;
  const published = lines.find(({ publish }) => publish === number);
  if (published !== undefined) return { line: published, number };
  if (number > dataset.lastNumber) {
    throw new SluiceError(
      "VALIDATION",
      `there is no v${number} of ${dataset.name} yet, the newest is v${dataset.lastNumber}`,
    );
  }
  const minutes = await log.readPatchMinutes({ dataset: dataset.name, limit: minutesMax });
  const minute = minutes.find((its) => its.firstNumber <= number && number <= its.lastNumber);
  if (minute !== undefined) {
    for await (const { sequence, event } of patchesOf(search, minute.firstSequence - 1, minute.lastSequence)) {
      if (event.type !== "patched") continue;
      const { stable, candidate } = linesAt(lines, sequence);
      const line = event.stable.number === number ? stable : event.candidate?.number === number ? candidate : undefined;
      // Nothing of a line that was left long ago is known any more, not even which one it was.
      if (line === null) throw tooOld(search, `v${number}`);
      if (line !== undefined) return { line, number };
    }
  }
  const oldest = lines[0]?.publish ?? Number.POSITIVE_INFINITY;
  if (number < oldest) throw tooOld(search, `v${number}`);
  throw new SluiceError("VALIDATION", `v${number} of ${dataset.name} was refused and never became a version`);
}

async function ofTime(search: TargetSearch, at: number): Promise<Target> {
  const { lines, log, dataset, windowStart } = search;
  const when = new Date(at).toISOString();
  const line = lines.findLast((its) => its.stable !== null && its.stable.at <= at);
  if (line === undefined && !reachesBack(lines, windowStart)) throw tooEarly(search, when);
  if (line === undefined || at < windowStart) throw tooOld(search, `what was stable at ${when}`);
  const minutes = await log.readPatchMinutes({ dataset: dataset.name, limit: minutesMax });
  const until = line.left?.sequence ?? Number.MAX_SAFE_INTEGER;
  for (const minute of minutes.toReversed()) {
    if (minute.firstAt > at || minute.firstSequence > until) continue;
    if (minute.lastSequence < line.sequence) break;
    let number: number | null = null;
    for await (const logged of patchesOf(
      search,
      Math.max(line.sequence, minute.firstSequence - 1),
      minute.lastSequence,
    )) {
      const { event, sequence } = logged;
      if (event.type !== "patched" || logged.at > at || sequence > until) continue;
      const its = linesAt(lines, sequence);
      if (its.stable === line) number = event.stable.number;
      else if (its.candidate === line) number = event.candidate?.number ?? number;
    }
    if (number !== null) return { line, number };
  }
  return { line, number: line.publish };
}

async function* patchesOf({ log, dataset }: TargetSearch, after: number, through: number) {
  for (let from = after; from < through; ) {
    const page = await log.readPatches({ dataset: dataset.name, after: from, limit: pagePatches });
    for (const logged of page) if (logged.sequence <= through) yield logged;
    if (page.length < pagePatches) return;
    from = page.at(-1)?.sequence ?? through;
  }
}

/** Where what was stable before the window is known too, some of it may be forgotten; else what is known is all that there was. */
function reachesBack(lines: readonly LineHistory[], windowStart: number): boolean {
  return lines.some(({ stable }) => stable !== null && stable.at <= windowStart);
}

function tooEarly({ dataset: { name }, lines }: TargetSearch, when: string): SluiceError {
  const first = lines.find(({ stable }) => stable !== null);
  const firstAt = first?.stable?.at ?? null;
  const since =
    firstAt === null ? "" : `; its first, v${first?.publish}, is stable since ${new Date(firstAt).toISOString()}`;
  return new SluiceError("VALIDATION", `there was no version of ${name} yet at ${when}${since}`, {
    details: { firstAt },
  });
}

function tooOld({ dataset, lines, windowStart }: TargetSearch, what: string): SluiceError {
  const first = lines.find((line) => line.stable !== null && (line.left === null || line.left.at > windowStart));
  const from = Math.max(windowStart, first?.stable?.at ?? windowStart);
  return new SluiceError(
    "PRUNED",
    `${what} of ${dataset.name} is not kept any more; versions of ${dataset.name} can be had from ${new Date(from).toISOString()} on (--keep-versions)`,
    { details: { fromAt: from } },
  );
}
