import type { LinePosition } from "@sluice/core";

/** What a line was at its latest versions. Facts of one log: whoever folds the same events may share it. */
export interface LineTrail {
  note(position: Pick<LinePosition, "number" | "contentHash">): void;
  /** The content hash that the line had at a version; undefined where that is longer ago, or was never here. */
  at(number: number): string | undefined;
}

/** Versions that are remembered: with a thousand patches a second, what happens while four seconds pass. */
const positionsMax = 4_096;

/** Remembers where a line begins. */
export function createLineTrail(start: Pick<LinePosition, "number" | "contentHash">): LineTrail {
  const hashes = new Map([[start.number, start.contentHash]]);
  return {
    note({ number, contentHash }) {
      hashes.set(number, contentHash);
      if (hashes.size <= positionsMax) return;
      for (const oldest of hashes.keys()) {
        hashes.delete(oldest);
        return;
      }
    },
    at: (number) => hashes.get(number),
  };
}
