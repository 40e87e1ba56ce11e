import type { LineHistory } from "./line-fold.ts";

/** The lines that were stable after another. */
export function linesSince(lines: readonly LineHistory[], { stable }: LineHistory): readonly LineHistory[] {
  if (stable === null) return [];
  return lines.filter((its) => its.stable !== null && its.stable.sequence > stable.sequence);
}

/** The two lines that a patch of this number moved. */
export function linesAt(
  lines: readonly LineHistory[],
  sequence: number,
): { readonly stable: LineHistory | null; readonly candidate: LineHistory | null } {
  let stable: LineHistory | null = null;
  let candidate: LineHistory | null = null;
  for (const line of lines) {
    if (line.sequence > sequence || (line.left !== null && line.left.sequence < sequence)) continue;
    if (line.stable !== null && line.stable.sequence < sequence) stable = line;
    else candidate = line;
  }
  return { stable, candidate };
}
