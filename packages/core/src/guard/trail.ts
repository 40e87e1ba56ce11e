import type { EvidenceCrossing, EvidencePoint } from "./verdict.ts";

type Line = Pick<EvidenceCrossing, "stream" | "line">;

/** What is watched, in the order of `Trail.above`. */
export const watchedLines: readonly Line[] = [
  { stream: "units", line: "hold" },
  { stream: "units", line: "revert" },
  { stream: "requests", line: "hold" },
  { stream: "requests", line: "revert" },
  { stream: "comparative", line: "hold" },
  { stream: "comparative", line: "revert" },
  { stream: "promotion", line: "promotion" },
  { stream: "absolute", line: "revert" },
];

/** Where a release's evidence has been: for people, nothing is decided by it. */
export interface Trail {
  readonly crossings: EvidenceCrossing[];
  /** Whether each watched line was reached when it was looked at last. */
  readonly above: boolean[];
  readonly points: EvidencePoint[];
  /** Slots from one point to the next. */
  intervalSlots: number;
  /** The slot from which on the next point is due. */
  dueSlot: number;
}

/** A trail on which nothing has happened. */
export function createTrail(): Trail {
  return { crossings: [], above: watchedLines.map(() => false), points: [], intervalSlots: 1, dueSlot: 0 };
}
