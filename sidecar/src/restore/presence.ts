import type { LineHistory } from "./line-fold.ts";

/** What of everything that came after a version is in the stable version now: another restore may have taken some of it back already. */
export interface Presence {
  /** The publishes, and the restores of something older. */
  readonly lines: number;
  /** The newest version of a line up to which its patches are in it; undefined where nothing of the line is. */
  through(line: LineHistory): number | undefined;
}

/**
 * Goes back from the stable line to what each line came from: a publish from the line that was stable before it, a version that came
 * back from the line that had it. `number` is a version of `target`; what is older than that is not looked at.
 */
export function presenceSince(
  lines: readonly LineHistory[],
  { line: target, number }: { readonly line: LineHistory; readonly number: number },
): Presence {
  const through = new Map<number, number>();
  let count = 0;
  let line = lines.findLast(({ stable, left }) => stable !== null && left === null);
  let upTo = Number.POSITIVE_INFINITY;
  while (line !== undefined && isAfter(line, target)) {
    through.set(line.publish, upTo);
    const { restored } = line;
    const from = restored === null ? lineBefore(lines, line) : lineOf(lines, line, restored.version);
    const isExact = restored?.mode === "exact";
    if (restored === null) count += 1;
    else {
      // What it brought back is older: to go to the target takes this restore back.
      const isOlder = from === undefined || isAfter(target, from);
      if (isOlder || (from.publish === target.publish && isExact && restored.version < number)) count += 1;
      const newer = isExact ? [] : linesBetween(lines, from, line);
      for (const its of newer) through.set(its.publish, Number.POSITIVE_INFINITY);
    }
    upTo = isExact ? restored.version : Number.POSITIVE_INFINITY;
    line = from;
  }
  if (line?.publish === target.publish) through.set(line.publish, upTo);
  return { lines: count, through: ({ publish }) => through.get(publish) };
}

/** The line that had the version which another began with; undefined where it is too long ago. */
function lineOf(lines: readonly LineHistory[], restored: LineHistory, version: number): LineHistory | undefined {
  return lines.findLast(
    (its) =>
      its.publish <= version &&
      its.stable !== null &&
      isAfter(restored, its) &&
      its.origin.bytesHash === restored.origin.bytesHash,
  );
}

function lineBefore(lines: readonly LineHistory[], line: LineHistory): LineHistory | undefined {
  return linesBetween(lines, undefined, line).at(-1);
}

/** The lines that were stable after the first and before the second, in the order in which they were. */
function linesBetween(
  lines: readonly LineHistory[],
  from: LineHistory | undefined,
  to: LineHistory,
): readonly LineHistory[] {
  return lines
    .filter((its) => its.stable !== null && isAfter(to, its) && (from === undefined || isAfter(its, from)))
    .toSorted((a, b) => stableSince(a) - stableSince(b));
}

function isAfter(line: LineHistory, other: LineHistory): boolean {
  return stableSince(line) > stableSince(other);
}

function stableSince({ stable }: LineHistory): number {
  return stable?.sequence ?? 0;
}
