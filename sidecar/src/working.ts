import type { LoggedEvent, NamespaceState } from "@sluice/core";
import type { DatasetLines } from "@sluice/replica";

/** What a command is decided against: the durable state and lines, and what stands before it in the same append. */
export interface Working {
  readonly state: NamespaceState;
  lines(dataset: string): DatasetLines;
}

/** Brings the working lines up to a patch, so that the next one in the same append stands on it. */
export function moveLines(moved: Map<string, DatasetLines>, lines: Working["lines"], { event }: LoggedEvent): void {
  if (event.type !== "patched") return;
  const { stable, candidate } = lines(event.dataset);
  const { delta, candidateDelta } = event;
  moved.set(event.dataset, {
    stable: stable === null ? null : stable.with(delta, event.stable),
    candidate:
      candidate === null || event.candidate === null
        ? candidate
        : candidate.with(candidateDelta ?? delta, event.candidate),
  });
}
