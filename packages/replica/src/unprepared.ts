import { own, type SluiceError } from "@sluice/core";
import type { Snapshot } from "./replica.ts";

/** How often a candidate may be wrong before it is given up: once as it came, and once fetched again. */
const faultsMax = 2;

/** Something that keeps a line from being prepared. */
export interface LineTrouble {
  readonly dataset: string;
  /** The publish that began the line. */
  readonly publish: number;
  /** The blob whose bytes are wrong; null where it is the line's content as a whole. */
  readonly blob: string | null;
  readonly error: SluiceError;
  /** Which whole state it was met under, where only a newer one could have mended it: met again under the same one it is the same trouble. */
  readonly state?: number;
}

/** How often something was wrong, and under which whole state last. */
interface Fault {
  readonly times: number;
  readonly state: number | undefined;
}

/**
 * Says of candidates that cannot be prepared here although what they stand on was fetched again: without a word they would be
 * unprepared for ever, and their release would go on without this process. Each once, with what is wrong.
 */
export function createUnprepared(dependencies: {
  readonly snapshot: () => Snapshot;
  readonly refuse: (release: string, reason: string) => void;
}): (trouble: LineTrouble) => void {
  const { snapshot, refuse } = dependencies;
  /** By dataset, of the candidate that was in trouble last; how often, by what was wrong. */
  const known = new Map<string, { readonly publish: number; readonly faults: Map<string, Fault>; refused: boolean }>();

  return ({ dataset, publish, blob, error, state: under }) => {
    const { state, datasets } = snapshot();
    const { candidate = null, release = null } = own(state.datasets, dataset) ?? {};
    if (release === null || candidate?.publish !== publish) return;
    // What is wrong may be another base only, and the version be read all the same.
    if (datasets.get(dataset)?.candidate?.number === candidate.number) return;
    const before = known.get(dataset);
    const its = before?.publish === publish ? before : { publish, faults: new Map<string, Fault>(), refused: false };
    known.set(dataset, its);
    const last = its.faults.get(blob ?? "");
    if (last !== undefined && under !== undefined && last.state === under) return;
    const times = (last?.times ?? 0) + 1;
    its.faults.set(blob ?? "", { times, state: under });
    if (times < faultsMax || its.refused) return;
    its.refused = true;
    refuse(release, `${dataset} v${candidate.number}: ${error.message}`);
  };
}
