import type { TakenBack } from "@sluice/core";
import type { LineHistory } from "./line-fold.ts";
import { linesSince } from "./lines-at.ts";

/**
 * The lines that were stable after another and may not come back by themselves, each with the publish that it came from. What was
 * published before the other line was good then and stays so, and one of its bytes or its content is no worse than itself.
 */
export function takenBackOf(
  lines: readonly LineHistory[],
  target: LineHistory,
): readonly { readonly line: LineHistory; readonly published: LineHistory }[] {
  const good = publishedOf(lines, target) ?? target;
  return linesSince(lines, target).flatMap((line) => {
    const published = publishedOf(lines, line);
    if (published === null || (published.stable?.sequence ?? 0) <= (good.stable?.sequence ?? 0)) return [];
    const isSame = published.origin.bytesHash === good.origin.bytesHash || published.contentHash === good.contentHash;
    return isSame ? [] : [{ line, published }];
  });
}

/** The same as the marks that they get, each once. */
export function marksOf(lines: readonly LineHistory[], target: LineHistory): readonly TakenBack[] {
  const marks = new Map<number, TakenBack>();
  for (const { published } of takenBackOf(lines, target)) {
    const { publish, origin, changes } = published;
    marks.set(publish, { publish, bytesHash: origin.bytesHash, changes });
  }
  return [...marks.values()];
}

/** The line that was published, of one that brought a version of it back; null where it is too long ago. */
function publishedOf(lines: readonly LineHistory[], line: LineHistory): LineHistory | null {
  const { restored, origin } = line;
  if (restored === null) return line;
  return (
    lines.findLast(
      (its) => its.restored === null && its.publish <= restored.version && its.origin.bytesHash === origin.bytesHash,
    ) ?? null
  );
}
